import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { concat, padTo, toBase64 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';

/** The GUID of the secret that sealSecret() packs. */
export const SEALED_GUID = 'e6f5a162-d67f-4750-a67c-5d065f2a9910';

/** The arguments of sev-inject-launch-secret, a packet as AMD describes it, made with node:crypto alone. */
export function sealSecret(input: {
  readonly secret: Uint8Array;
  readonly measurement: Uint8Array;
  readonly tik: Uint8Array;
  readonly tek: Uint8Array;
}): { readonly 'packet-header': string; readonly secret: string } {
  const table = encodeSecretTable([{ guid: parseGuid(SEALED_GUID), data: input.secret }]);
  const plaintext = padTo(table, Math.ceil(table.length / 16) * 16);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-ctr', input.tek, iv);
  const data = new Uint8Array(cipher.update(plaintext));
  const lengths = new Uint8Array(8);
  new DataView(lengths.buffer).setUint32(0, data.length, true);
  new DataView(lengths.buffer).setUint32(4, data.length, true);
  const flags = new Uint8Array(4);
  const mac = createHmac('sha256', input.tik)
    .update(concat(Uint8Array.of(1), flags, iv, lengths, data, input.measurement.subarray(0, 32)))
    .digest();
  return { 'packet-header': toBase64(concat(flags, iv, mac)), secret: toBase64(data) };
}
