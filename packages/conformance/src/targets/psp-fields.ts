import { seededEntropy } from '@sevlab/ambient/entropy';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat, fromHex } from '@sevlab/codec/bytes';
import { CERT_CHAIN_SIZE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader, TRANSPORT_CONTEXT } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { signCek } from '@sevlab/sev-channel/amd-certificate';
import { EMULATED_ARK, EMULATED_ASK, emulatedAskPrivateKey } from '@sevlab/sev-channel/emulated-root';
import { bindsLaunch } from '@sevlab/sev-channel/measurement';
import type { CommandStep, ReceiverChange } from '../case.ts';
import { flipBit } from './faulty-certificate.ts';
import { asidFor, guestOf, NV_SIZE, type Run, TARGET_SIZE, TMR_SIZE } from './psp-run.ts';
import type { Fields } from './raw-host.ts';
import { exportCertificates, meetTenant, secretFields, startFields } from './sim-platform.ts';
import { faultyImport, flipped, type Packet, sealFaulty } from './tenant.ts';

const REPORT_SIZE = 0xd0;
const ID_SIZE = 0x40;
/** What SEND_UPDATE sends, in bytes. */
const SENT_SIZE = 4096;
const NOTHING = new Uint8Array(0);

/** A command buffer in which nothing is wrong, and host memory with what it points to. */
export function rightFields(run: Run, step: CommandStep): Fields {
  const { target, page } = run;
  const { raw } = run.platform;
  const guest = guestOf(run, step.who);
  const { handle } = guest;
  switch (step.command) {
    case 'INIT':
      return initFields(run);
    case 'INIT_EX':
      return { length: 0x24, ...initFields(run), nvPaddr: run.nv, nvLen: NV_SIZE };
    case 'PEK_CSR':
      return { csrPaddr: raw.reserve(SevCertificate.size), csrLen: SevCertificate.size };
    case 'PDH_CERT_EXPORT':
      return {
        pdhPaddr: raw.reserve(SevCertificate.size),
        pdhLen: SevCertificate.size,
        certsPaddr: raw.reserve(CERT_CHAIN_SIZE),
        certsLen: CERT_CHAIN_SIZE,
      };
    case 'PEK_CERT_IMPORT':
      return importFields(run, step);
    case 'GET_ID':
      return { idPaddr: raw.reserve(4096), idLen: ID_SIZE };
    case 'ACTIVATE':
      return { handle, asid: asidFor(run, step.who ?? run.latest) };
    case 'ACTIVATE_EX': {
      const ids = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0);
      const asid = asidFor(run, step.who ?? run.latest);
      return { exLen: 0x18, handle, asid, numIds: 4, idsPaddr: raw.place(ids) };
    }
    case 'LAUNCH_START':
      return launchFields(run, step);
    case 'LAUNCH_UPDATE_DATA':
    case 'LAUNCH_UPDATE_VMSA':
      return { handle, paddr: target, length: contentLength(step) };
    case 'LAUNCH_MEASURE':
      return { handle, measurePaddr: raw.reserve(4096), measureLen: LaunchMeasurement.size };
    case 'LAUNCH_SECRET': {
      const packet = secretPacket(run, step);
      const fields = secretFields(raw, handle, target, packet);
      if (step.packet?.at === undefined) return fields;
      const at = target; // the one place that a case asks for
      raw.host.memory.write(at, packet.data);
      return { ...fields, transPaddr: at };
    }
    case 'ATTESTATION': {
      const mnonce = new Uint8Array(16).fill(0x99);
      return { handle, paddr: raw.reserve(REPORT_SIZE), mnonce, length: REPORT_SIZE };
    }
    case 'COPY':
      return { handle, length: 4096, srcPaddr: target, dstPaddr: spa(target + 4096n) };
    case 'DBG_DECRYPT':
      return { handle, srcPaddr: target, dstPaddr: page, length: 64 };
    case 'DBG_ENCRYPT':
      return { handle, srcPaddr: page, dstPaddr: target, length: 64 };
    case 'SEND_START':
      return sendFields(run, step);
    case 'SEND_UPDATE_DATA':
    case 'SEND_UPDATE_VMSA':
      return {
        ...{ handle, guestPaddr: target, guestLen: SENT_SIZE },
        ...{ hdrPaddr: raw.reserve(PacketHeader.size), hdrLen: PacketHeader.size },
        ...{ transPaddr: raw.reserve(SENT_SIZE), transLen: SENT_SIZE },
      };
    case 'RECEIVE_START': {
      const { dhCertPaddr, dhCertLen, ...fields } = launchFields(run, step);
      return { ...fields, pdhCertPaddr: dhCertPaddr!, pdhCertLen: dhCertLen! };
    }
    case 'RECEIVE_UPDATE_DATA':
    case 'RECEIVE_UPDATE_VMSA':
      return secretFields(raw, handle, target, transportPacket(run, step));
    default:
      return { handle }; // the rest have a handle or nothing, and what a buffer has not is not looked at
  }
}

const initFields = ({ given, tmr }: Run): Fields =>
  given.es ? { flags: 1, tmrPaddr: tmr, tmrLen: TMR_SIZE } : { flags: 0, tmrPaddr: 0n, tmrLen: 0 };

function importFields(run: Run, step: CommandStep): Fields {
  const { raw } = run.platform;
  let at = run.replies.PEK_CSR;
  if (step.import?.csr !== 'earlier' || at === undefined) {
    at = raw.reserve(SevCertificate.size);
    raw.issue('PEK_CSR', { csrPaddr: at, csrLen: SevCertificate.size });
  }
  const csr = SevCertificate.decode(raw.host.memory.read(at, SevCertificate.size));
  const { oca, pek } = faultyImport(csr, step.import);
  return { pekPaddr: raw.place(pek), pekLen: pek.length, ocaPaddr: raw.place(oca), ocaLen: oca.length };
}

/** A certificate and a session of the tenant; for RECEIVE_START those of SEND_START, if there was one. */
function launchFields(run: Run, step: CommandStep): Fields {
  const { raw } = run.platform;
  const { session = {} } = step;
  const policy = Number(session.policy ?? run.policy);
  if (step.command === 'RECEIVE_START' && run.sentSession !== undefined)
    return startFields(raw, policy, exportCertificates(raw).pdh, run.sentSession);
  const fresh = session.pdh === 'now' || session.z !== undefined;
  const tenant = fresh ? meetTenant(raw, session.z) : run.tenant; // before INIT there is no PDH, so no session
  return startFields(
    ...([raw, policy, tenant?.certificate(step.certificate) ?? NOTHING] as const),
    tenant?.session(policy, session) ?? NOTHING,
  );
}

function sendFields(run: Run, step: CommandStep): Fields {
  const { raw } = run.platform;
  const { pdh, chain, amd } = receiverOf(run, step);
  return {
    ...{ handle: guestOf(run, step.who).handle, pdhCertPaddr: raw.place(pdh), pdhCertLen: pdh.length },
    ...{ platCertsPaddr: raw.place(chain), platCertsLen: chain.length },
    ...{ amdCertsPaddr: raw.place(amd), amdCertsLen: amd.length },
    ...{ sessionPaddr: raw.reserve(LaunchSession.size), sessionLen: LaunchSession.size },
  };
}

/** What SEND_START is given: the PDH certificate, PEK, OCA and CEK in one piece, and ASK and ARK in another. */
interface ReceiverCertificates {
  readonly pdh: Uint8Array;
  readonly chain: Uint8Array;
  readonly amd: Uint8Array;
}

function receiverOf(run: Run, { receiver = 'attacker', certificate }: CommandStep): ReceiverCertificates {
  const amd = concat(EMULATED_ASK, EMULATED_ARK);
  if (receiver === 'attacker') {
    const pdh = run.tenant?.certificate(certificate) ?? NOTHING;
    return { pdh, chain: new Uint8Array(CERT_CHAIN_SIZE), amd };
  }
  const certificates = { ...platformCertificates(run), amd };
  if (receiver !== 'platform') flipIn(certificates, receiver.flip);
  return certificates;
}

/** This very platform, with a CEK that the emulated key server signed. */
function platformCertificates({ platform }: Run): Omit<ReceiverCertificates, 'amd'> {
  const { pdh, chain } = exportCertificates(platform.raw);
  const at = 2 * SevCertificate.size;
  const cek = SevCertificate.decode(chain.subarray(at));
  const signed = signCek(cek, emulatedAskPrivateKey(), seededEntropy('conformance', 'key-server'));
  return { pdh, chain: concat(chain.subarray(0, at), SevCertificate.encode(signed)) };
}

function flipIn({ pdh, chain, amd }: ReceiverCertificates, { part, bit }: ReceiverChange['flip']): void {
  const nth = (index: number): Uint8Array => chain.subarray(index * SevCertificate.size);
  const parts = {
    ...{ PDH: pdh, PEK: nth(0), OCA: nth(1), CEK: nth(2) },
    ...{ ASK: amd, ARK: amd.subarray(EMULATED_ASK.length) },
  };
  flipBit(parts[part], bit);
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => 7 * i + 1);

const plainOf = ({ packet }: CommandStep): Uint8Array =>
  packet?.plain === undefined ? pattern(packet?.length ?? 64) : fromHex(packet.plain);

function secretPacket(run: Run, step: CommandStep): Packet {
  const { measurement } = guestOf(run, step.who);
  const plain = plainOf(step);
  const packet =
    step.packet?.made === 'earlier' && run.packet !== undefined
      ? flipped(run.packet, step.packet)
      : sealFaulty(plain, measurement, bindsLaunch(run.platform.version), step.packet);
  run.meant = { offset: 0, plain, data: packet.data };
  run.packet = packet;
  return packet;
}

/** The packet that was sent, or one of a tenant that acts as the sending platform. */
function transportPacket(run: Run, step: CommandStep): Packet {
  if (run.sentPacket !== undefined) return flipped(run.sentPacket, step.packet ?? {});
  const plain = plainOf(step);
  run.meant = { offset: 0, plain };
  return sealFaulty(plain, undefined, false, { context: TRANSPORT_CONTEXT, ...step.packet });
}

/** What is to be measured, unless it is whatever lies there. */
export const contentOf = ({ content, contentLength: length = 4096 }: CommandStep): Uint8Array | undefined => {
  if (content === 'as it is') return undefined;
  return content === undefined ? new Uint8Array(length).fill(0x41) : fromHex(content);
};

const contentLength = (step: CommandStep): number => contentOf(step)?.length ?? step.contentLength ?? 4096;

/** Puts bytes into the target; the cells around them are written again as they are. */
export function writeTarget({ platform, target }: Run, offset: number, bytes: Uint8Array): void {
  const { memory } = platform.raw.host;
  const cells = memory.read(target, TARGET_SIZE);
  cells.set(bytes, offset);
  memory.write(target, cells);
}

/** Where a command was told to write, by the field that says so. */
export function replyOf(command: string, fields: Fields): Spa | undefined {
  const names: Readonly<Record<string, string>> = {
    ...{
      PEK_CSR: 'csrPaddr',
      PDH_CERT_EXPORT: 'pdhPaddr',
      GET_ID: 'idPaddr',
      LAUNCH_MEASURE: 'measurePaddr',
    },
    ...{ ATTESTATION: 'paddr', SEND_START: 'sessionPaddr', DBG_DECRYPT: 'dstPaddr', DBG_ENCRYPT: 'dstPaddr' },
  };
  const address = fields[names[command] ?? ''];
  return typeof address === 'bigint' ? spa(address) : undefined;
}
