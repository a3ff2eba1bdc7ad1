import { createHash } from 'node:crypto';
import { gpa, type Spa, spa } from '@sevlab/codec/address';
import { concat, equal, fromHex, toHex } from '@sevlab/codec/bytes';
import { ATTESTATION_SIGNED_SIZE, AttestationReport } from '@sevlab/codec/sev/attestation';
import {
  CURVE_P384,
  EcdsaSignature,
  EcPublicKey,
  KEY_ALGO,
  KEY_USAGE,
  SevCertificate,
} from '@sevlab/codec/sev/certificate';
import { PacketHeader, transportMacInput } from '@sevlab/codec/sev/packet';
import type { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { VmrunRefused } from '@sevlab/machine/machine';
import { GUEST_STATE } from '@sevlab/psp-sim/guest';
import { PLATFORM_STATE } from '@sevlab/psp-sim/secure-processor';
import { aes128Ctr } from '@sevlab/sev-channel/aes-ctr';
import { certificateBody, decodePoint, signatureSlots } from '@sevlab/sev-channel/certificate';
import { fromBigEndian } from '@sevlab/sev-channel/integer';
import { hmacSha256 } from '@sevlab/sev-channel/mac';
import { measureLaunch } from '@sevlab/sev-channel/measurement';
import { verifyEcdsa } from '@sevlab/sev-channel/p384';
import type { CertificateName, PspThen, SeeStep } from '../case.ts';
import { GivenNotReached, type PspAnswer } from '../target.ts';
import { asidFor, guestOf, type LaunchedGuest, type Run, resolve, TARGET, TARGET_SIZE } from './psp-run.ts';
import type { Fields } from './raw-host.ts';
import { exportCertificates } from './sim-platform.ts';

type Question = keyof Omit<PspThen, 'status'>;

/** Answers the questions that a case asks, and no others: some take long. */
export function see(run: Run, asked: readonly Question[]): Partial<PspAnswer> {
  const answers = asked.map((question) => [question, ANSWERS[question](run)] as const);
  return Object.fromEntries(answers);
}

/** How each question is answered. */
const ANSWERS: { readonly [K in Question]: (run: Run) => PspAnswer[K] } = {
  memory: seeMemory,
  platformState: ({ platform }) => nameOf(PLATFORM_STATE, platform.raw.expect('PLATFORM_STATUS').state),
  guestCount: ({ platform }) => Number(platform.raw.expect('PLATFORM_STATUS').guestCount),
  guestState(run) {
    const { status, fields } = run.platform.raw.issue('GUEST_STATUS', { handle: guestOf(run).handle });
    return status === 'SUCCESS' ? nameOf(GUEST_STATE, fields.state) : status;
  },
  out: ({ last }) => specificationNames(last?.fields ?? {}),
  buffer: ({ last }) => last?.buffer,
  registers: ({ last }) => last?.registers,
  launchDigest(run) {
    const guest = guestOf(run);
    return guest.measurement && seeDigest(run, guest, guest.measurement);
  },
  vouched(run) {
    const guest = guestOf(run);
    return guest.measurement && seeDigest(run, guest, guest.measurement) !== 'another';
  },
  runnable: isRunnable,
  same: ({ seen }) => pairs(seen).filter(([a, b]) => equal(seen[a]!, seen[b]!)),
  different: ({ seen }) => pairs(seen).filter(([a, b]) => !equal(seen[a]!, seen[b]!)),
  signers: seeSigners,
  soundCertificates: areSound,
  csr: (run) => (isUnsignedPek(run) ? 'unsigned PEK' : undefined),
  idOnCurve: (run) => isOnSecp256k1(replyTo(run, 'GET_ID', 0x40)),
  reportSigner: seeReportSigner,
  sentContext: seeSentContext,
};

/** Every pair of sights, in both orders. */
const pairs = (seen: Run['seen']): [string, string][] =>
  Object.keys(seen).flatMap((a) => Object.keys(seen).map((b): [string, string] => [a, b]));

const specificationNames = (fields: Fields): Record<string, number | string> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      value instanceof Uint8Array ? toHex(value) : Number(value),
    ]),
  );

const nameOf = (states: Readonly<Record<string, number>>, number: Fields[string] | undefined): string =>
  Object.keys(states).find((name) => states[name] === Number(number)) ?? `state ${number}`;

function seeMemory(run: Run): string {
  const { platform, target, start, before, meant } = run;
  const { asid } = guestOf(run);
  const { host } = platform.raw;
  const cells = host.memory.read(target, TARGET_SIZE);
  if (meant !== undefined && asid !== undefined) {
    const { offset, plain, data } = meant;
    const end = offset + plain.length;
    const guestReads = platform.memory.readEncrypted(asid, spa(target + BigInt(offset)), plain.length);
    const hostReads = cells.subarray(offset, end);
    const around = (bytes: Uint8Array) => concat(bytes.subarray(0, offset), bytes.subarray(end));
    const hidden = !equal(hostReads, plain) && !(data && equal(hostReads, data));
    if (equal(guestReads, plain) && hidden && equal(around(cells), around(start))) return 'plaintext';
  }
  return equal(cells, before) ? 'unchanged' : 'changed otherwise';
}

/** The digest that a guest owner expects, if MEASURE vouches for it. */
function seeDigest({ platform }: Run, guest: LaunchedGuest, { measure, mnonce }: LaunchMeasurement): string {
  const digest = new Uint8Array(
    createHash('sha256')
      .update(concat(...guest.measured))
      .digest(),
  );
  const { version } = platform;
  const { policy, keys } = guest;
  const expected = measureLaunch({ tik: keys.tik, version, policy, digest, mnonce });
  return equal(measure, expected) ? toHex(digest) : 'another';
}

function isRunnable(run: Run): boolean {
  const { asid = asidFor(run, run.latest) } = guestOf(run);
  try {
    return run.platform.raw.host.vmrun(run.machineGuest, asid, () => true, run.target);
  } catch (error) {
    if (error instanceof VmrunRefused) return false;
    throw error;
  }
}

/** What a step keeps under a name. */
export function sight(run: Run, step: SeeStep): Uint8Array {
  const { platform, seen } = run;
  const guest = guestOf(run, step.who);
  const at = () => spa(resolve(run, step.at ?? 'target', step.who));
  const { length = 16 } = step;
  switch (step.of) {
    case 'host':
      return platform.raw.host.memory.read(at(), length);
    case 'guest':
      if (guest.asid === undefined) throw new GivenNotReached('a guest without an ASID reads nothing');
      return platform.memory.readEncrypted(guest.asid, at(), length);
    case 'shared':
      return readShared(run, guest, at(), length);
    case 'packet':
      if (run.packet === undefined) throw new GivenNotReached('there was no packet');
      return run.packet.data;
    case 'bytes':
      return fromHex(step.bytes ?? '');
    case 'xor': {
      const [a, b] = (step.xor ?? []).map((name) => seen[name]);
      if (a === undefined || b === undefined) throw new Error(`${step.see}: one of ${step.xor} was not seen`);
      return a.map((byte, i) => byte ^ b[i]!);
    }
    case 'measure':
    case 'mnonce':
      if (guest.measurement === undefined) throw new GivenNotReached('there was no measurement');
      return guest.measurement[step.of];
    case 'digest':
      return AttestationReport.decode(replyTo(run, 'ATTESTATION', AttestationReport.size)).launchDigest;
    case 'sent':
      return openSent(run);
    default:
      return exported(run)[step.of].pubkey;
  }
}

/** Throws VmrunRefused for a guest that does not run. */
function readShared(run: Run, { asid = 0 }: LaunchedGuest, at: Spa, length: number): Uint8Array {
  const address = gpa(TARGET + at - run.target);
  const { host } = run.platform.raw;
  return host.vmrun(run.machineGuest, asid, ({ memory }) => memory.readShared(address, length));
}

/** What a command wrote where it was told to. */
function replyTo({ platform, replies }: Run, command: string, length: number): Uint8Array {
  const at: Spa | undefined = replies[command];
  if (at === undefined) throw new GivenNotReached(`there was no ${command}`);
  return platform.raw.host.memory.read(at, length);
}

function exported({ platform }: Run): Record<CertificateName, SevCertificate> {
  const { pdh, chain } = exportCertificates(platform.raw);
  const nth = (index: number) => SevCertificate.decodeAt(chain, index * SevCertificate.size);
  return { PDH: SevCertificate.decode(pdh), PEK: nth(0), OCA: nth(1), CEK: nth(2) };
}

const USAGES: Readonly<Record<CertificateName, number>> = {
  ...{ PDH: KEY_USAGE.PDH, PEK: KEY_USAGE.PEK, OCA: KEY_USAGE.OCA, CEK: KEY_USAGE.CEK },
};

function seeSigners(run: Run): PspAnswer['signers'] {
  const certificates = exported(run);
  const signersOf = (certificate: SevCertificate): [string, string] => {
    const [first, second] = signatureSlots(certificate).map(({ usage, algo, signature }) => {
      if (usage === KEY_USAGE.NONE && algo === KEY_ALGO.NONE && signature.every((byte) => byte === 0))
        return '';
      const name = Object.keys(USAGES).find((key) => USAGES[key as CertificateName] === usage); // keys of a literal
      const parent = name === undefined ? undefined : certificates[name as CertificateName];
      const good =
        parent && algo === KEY_ALGO.ECDSA_SHA256 && verifies(parent, certificateBody(certificate), signature);
      return good ? name! : 'a bad signature';
    });
    return [first!, second!];
  };
  const { PDH, PEK, OCA, CEK } = certificates;
  return { PDH: signersOf(PDH), PEK: signersOf(PEK), OCA: signersOf(OCA), CEK: signersOf(CEK) };
}

/** `signature`: r and s, 72 bytes each, little endian. */
function verifies(parent: SevCertificate, message: Uint8Array, signature: Uint8Array): boolean {
  const point = decodePoint(parent.pubkey);
  const { r, s } = EcdsaSignature.decode(concat(signature.subarray(0, 144), new Uint8Array(0x200 - 144)));
  const number = (field: Uint8Array) => field.slice(0, 48).reverse();
  return point !== undefined && verifyEcdsa(point, message, { r: number(r), s: number(s) });
}

function areSound(run: Run): boolean {
  const { apiMajor, apiMinor } = run.platform.version;
  return Object.entries(exported(run)).every(([name, certificate]) => {
    const algo = name === 'PDH' ? KEY_ALGO.ECDH_SHA256 : KEY_ALGO.ECDSA_SHA256;
    return (
      certificate.version === 1 &&
      certificate.apiMajor === apiMajor &&
      certificate.apiMinor === apiMinor &&
      certificate.pubkeyUsage === USAGES[name as CertificateName] && // keys of exported()
      certificate.pubkeyAlgo === algo &&
      EcPublicKey.decode(certificate.pubkey).curve === CURVE_P384 &&
      decodePoint(certificate.pubkey) !== undefined
    );
  });
}

function isUnsignedPek(run: Run): boolean {
  const csr = SevCertificate.decode(replyTo(run, 'PEK_CSR', SevCertificate.size));
  const empty = signatureSlots(csr).every(
    ({ usage, algo, signature }) =>
      usage === KEY_USAGE.NONE && algo === KEY_ALGO.NONE && signature.every((byte) => byte === 0),
  );
  return empty && equal(certificateBody(csr), certificateBody(exported(run).PEK));
}

/** The prime of secp256k1, whose equation is y^2 = x^3 + 7 (SEC 2, section Recommended Parameters secp256k1). */
const SECP256K1_FIELD = 2n ** 256n - 2n ** 32n - 977n;

function isOnSecp256k1(id: Uint8Array): boolean {
  const x = fromBigEndian(id.subarray(0, 32));
  const y = fromBigEndian(id.subarray(32, 64));
  return x !== 0n && (y * y - x * x * x - 7n) % SECP256K1_FIELD === 0n;
}

function seeReportSigner(run: Run): 'PEK' | 'nobody' {
  const report = replyTo(run, 'ATTESTATION', AttestationReport.size);
  const message = report.subarray(0, ATTESTATION_SIGNED_SIZE);
  return verifies(exported(run).PEK, message, report.subarray(0x40)) ? 'PEK' : 'nobody';
}

function openSent({ sentPacket, sentKeys }: Run): Uint8Array {
  if (sentPacket === undefined || sentKeys === undefined)
    throw new GivenNotReached('nothing was sent to somebody who can open it');
  return aes128Ctr(sentKeys.tek, PacketHeader.decode(sentPacket.header).iv, sentPacket.data);
}

function seeSentContext({ sentPacket, sentKeys }: Run): number | undefined {
  if (sentPacket === undefined || sentKeys === undefined) return undefined;
  const { data } = sentPacket;
  const header = PacketHeader.decode(sentPacket.header);
  return ([2, 3] as const).find((context) =>
    equal(header.mac, hmacSha256(sentKeys.tik, transportMacInput(context, header, data.length, data))),
  );
}
