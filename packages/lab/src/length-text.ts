import { PacketHeader } from '@sevlab/codec/sev/packet';

const BLOCK = 16;
const UNPADDED =
  'as if its base64 had lost the padding at its end: QEMU drops a last group of fewer than four letters';

/** Whether QEMU is left with so many bytes of `size` when the base64 of them has no padding. */
const isWhatIsLeft = (length: number, size: number): boolean =>
  size % 3 !== 0 && length === size - (size % 3);

/** Why something that QEMU had as base64 has the wrong length; undefined when it has the right one. */
export function lengthText(
  what: string,
  { file, bytes }: { readonly file: Uint8Array; readonly bytes: Uint8Array },
  size: number,
): string | undefined {
  if (bytes.length === size) return undefined;
  const wrong = `${what} has ${bytes.length} bytes instead of ${size}`;
  if (file.length === size) return `${wrong}: its file is raw, as sev-tool writes it, and QEMU takes base64`;
  return isWhatIsLeft(bytes.length, size) ? `${wrong}, ${UNPADDED}` : wrong;
}

/** What is wrong with the lengths of a packet; undefined for nothing. */
export function packetLengthText(header: Uint8Array, data: Uint8Array): string | undefined {
  const { size } = PacketHeader;
  if (header.length !== size)
    return `the header has ${header.length} bytes instead of ${size}${isWhatIsLeft(header.length, size) ? `, ${UNPADDED}` : ''}`;
  if (data.length % BLOCK === 0) return undefined;
  const whole = Math.ceil(data.length / BLOCK) * BLOCK;
  const reason = isWhatIsLeft(data.length, whole) ? `, ${UNPADDED}` : '';
  return `the data has ${data.length} bytes, no multiple of ${BLOCK}${reason}; sev-tool 1.7 does not pad what it packages`;
}
