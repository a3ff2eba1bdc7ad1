import { fromHex, toHex } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { aes128Ctr } from '@sevlab/sev-channel/aes-ctr';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch } from '@sevlab/sev-channel/measurement';
import { packetMac } from '@sevlab/sev-channel/packet';
import { type TenantCase, type TenantThen, VERDICTS, type VerdictName } from '../case.ts';
import type { LaunchQuestion, TenantRequest } from './protocol.ts';
import { type Ask, askObject, bytesOf, unexpected } from './reply.ts';
import { tenantRequest } from './tenant-request.ts';

/** What a tenant says in a case, and what became of its packet. Throws Skipped, WrongAnswer, ProgramTrouble. */
export function askTenant(ask: Ask<TenantRequest>, testCase: TenantCase): TenantThen {
  const request = tenantRequest(testCase);
  const reply = askObject(ask, request);
  const { verdict } = reply;
  if (!isVerdict(verdict)) throw unexpected('verdict', `one of ${Object.keys(VERDICTS).join(', ')}`, verdict);
  if (request.question !== 'packet' || verdict !== 'accepted') return { verdict };
  const packet = { header: bytesOf(reply, 'header'), data: bytesOf(reply, 'data') };
  return { verdict, ...examinePacket(request, packet) };
}

const isVerdict = (word: unknown): word is VerdictName =>
  typeof word === 'string' && Object.hasOwn(VERDICTS, word);

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
