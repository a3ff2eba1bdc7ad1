import { fromHex, toHex } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { AmdCertificateHead, SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import { aes128Ctr } from '@sevlab/sev-channel/aes-ctr';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch } from '@sevlab/sev-channel/measurement';
import { packetMac } from '@sevlab/sev-channel/packet';
import {
  CHAIN_NAMES,
  type ChainName,
  type TenantCase,
  type TenantThen,
  VERDICTS,
  type VerdictName,
} from '../case.ts';
import { imagePassage } from '../image-passage.ts';
import type { PassedBytes, Recorded } from '../passage.ts';
import type { LaunchQuestion, TenantRequest } from './protocol.ts';
import { type Ask, askObject, bytesOf, unexpected } from './reply.ts';
import { tenantRequest } from './tenant-request.ts';

/** What a tenant says in a case, and what became of its packet. Throws Skipped, WrongAnswer, ProgramTrouble. */
export function askTenant(ask: Ask<TenantRequest>, testCase: TenantCase): TenantThen & Recorded {
  const request = tenantRequest(testCase);
  const reply = askObject(ask, request);
  const { verdict } = reply;
  if (!isVerdict(verdict)) throw unexpected('verdict', `one of ${Object.keys(VERDICTS).join(', ')}`, verdict);
  const asked = { asked: request.question, answered: verdict };
  const sent = questionBytes(request, testCase);
  if (request.question !== 'packet' || verdict !== 'accepted')
    return { verdict, passages: [{ ...asked, bytes: sent }] };
  const packet = { header: bytesOf(reply, 'header'), data: bytesOf(reply, 'data') };
  const made: readonly PassedBytes[] = [
    { what: 'packet header', bytes: packet.header, structure: PacketHeader },
    { what: 'packet data', bytes: packet.data, are: 'ciphertext' },
  ];
  return { verdict, ...examinePacket(request, packet), passages: [{ ...asked, bytes: [...sent, ...made] }] };
}

const isVerdict = (word: unknown): word is VerdictName =>
  typeof word === 'string' && Object.hasOwn(VERDICTS, word);

/** What was put before the tenant; of a chain what is not as in platform.json, or its lowest link. */
function questionBytes(request: TenantRequest, testCase: TenantCase): PassedBytes[] {
  switch (request.question) {
    case 'measurement':
    case 'packet':
      return [
        { what: 'measurement', bytes: fromHex(request.measurement), structure: LaunchMeasurement },
        { what: 'TIK', bytes: fromHex(request.tik) },
        ...(request.firmware === undefined ? [] : imagePassage(fromHex(request.firmware))),
      ];
    case 'session':
      return [
        { what: 'session', bytes: fromHex(request.session), structure: LaunchSession },
        { what: 'TIK', bytes: fromHex(request.tik) },
      ];
    case 'chain':
      return changedNames(testCase).map((what) => ({
        what,
        bytes: fromHex(request.certificates[what]),
        structure: what === 'ASK' || what === 'ARK' ? AmdCertificateHead : SevCertificate,
      }));
  }
}

function changedNames(testCase: TenantCase): readonly ChainName[] {
  if (testCase.when !== 'chain') return [];
  const { change = [], replace = {} } = testCase.given;
  const changed = CHAIN_NAMES.filter(
    (name) => name in replace || change.some(({ certificate }) => certificate === name),
  );
  return changed.length === 0 ? ['PDH'] : changed;
}

const BLOCK = 16;

/** What an AMD-SP and a Linux would make of a packet for that launch. */
function examinePacket(
  { tik, tek, version, measurement }: LaunchQuestion,
  { header: bytes, data }: { readonly header: Uint8Array; readonly data: Uint8Array },
): Required<Omit<TenantThen, 'verdict'>> {
  if (bytes.length !== PacketHeader.size || data.length === 0 || data.length % BLOCK !== 0)
    return { taken: false, secrets: [] };
  const header = PacketHeader.decode(bytes);
  const [apiMajor, apiMinor] = version;
  const { measure } = LaunchMeasurement.decode(fromHex(measurement));
  const mac = packetMac({
    ...{ tik: fromHex(tik), header, guestLen: data.length, data },
    measure: bindsLaunch({ apiMajor, apiMinor }) ? measure : undefined,
  });
  const { entries, error } = readSecretTable(aes128Ctr(fromHex(tek), header.iv, data));
  return {
    taken: macEqual(mac, header.mac) && header.flags === 0 && error === undefined,
    secrets: entries.map(({ guid, data: secret }) => ({ guid, data: toHex(secret) })),
  };
}
