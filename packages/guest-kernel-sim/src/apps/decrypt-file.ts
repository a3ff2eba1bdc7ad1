import { createDecipheriv } from 'node:crypto';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { E820_TYPE } from '@sevlab/codec/efi/boot-params';
import { ENCRYPTED_FILE_MAGIC, ENCRYPTED_FILE_VERSION, EncryptedFile } from '@sevlab/codec/encrypted-file';
import { type Disk, SECTOR_SIZE } from '@sevlab/machine/devices/disk';
import { eachPart, type Program, ProgramExit, print, strerror } from '../coreutils/program.ts';
import type { RunningKernel } from '../running-kernel.ts';

/** A page for the disk's DMA, which cannot reach private memory (as SWIOTLB does). */
const BOUNCE_BUFFER: Gpa = gpa(0x0200_0000n);
const BOUNCE_SECTORS = 8;
/** Where the plaintext goes: private memory. */
export const PLAINTEXT_ADDRESS: Gpa = gpa(0x0210_0000n);
/** Bytes between the two, and the most that a file may have. */
const FILE_MAX = 1024 * 1024;
const KEY_SIZE = 32;

/**
 * `decrypt-file KEYFILE` (Documentation/security/secrets/coco.rst, Application Example): takes the key out of
 * securityfs and decrypts the file at the start of the untrusted disk into private memory. The host sees the
 * ciphertext pass through the shared bounce buffer.
 */
export const decryptFile: Program = function* (process) {
  const { kernel } = process;
  const [keyFile] = process.args;
  if (keyFile === undefined) throw fail('missing operand; expected the path of a key file', 2);
  let key = new Uint8Array();
  // biome-ignore lint/correctness/useYield: it only keeps what was read
  const error = yield* eachPart(process, keyFile, function* (part) {
    key = new Uint8Array(concat(key, part));
  });
  if (error !== undefined) throw fail(`${keyFile}: ${strerror(error)}`);
  if (key.length !== KEY_SIZE)
    throw fail(`${keyFile}: expected a key of ${KEY_SIZE} bytes, got ${key.length}`);
  const { disk } = kernel.context;
  if (disk === undefined) throw fail('the guest has no disk');
  if (!isRam(kernel, BOUNCE_BUFFER, PLAINTEXT_ADDRESS + BigInt(FILE_MAX))) throw fail('not enough memory');

  const head = readDisk(kernel, disk, EncryptedFile.size);
  const header = head && EncryptedFile.decode(head);
  if (header?.magic !== ENCRYPTED_FILE_MAGIC || header.version !== ENCRYPTED_FILE_VERSION) {
    throw fail('the disk does not start with an encrypted file');
  }
  const whole =
    header.length <= FILE_MAX ? readDisk(kernel, disk, EncryptedFile.size + header.length) : undefined;
  if (whole === undefined) throw fail(`the file's ${header.length} bytes are not all there`);
  const plaintext = decrypt(key, header, whole.subarray(EncryptedFile.size));
  if (plaintext === undefined) throw fail('wrong key, or the file was changed');
  kernel.memory.writePrivate(PLAINTEXT_ADDRESS, plaintext);
  yield* print(process, plaintext);
  return 0;
};

const fail = (reason: string, status = 1): ProgramExit =>
  new ProgramExit(`decrypt-file: ${reason}\n`, status);

/** The first `length` bytes of the disk; undefined when it has fewer. */
function readDisk(kernel: RunningKernel, disk: Disk, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.ceil(length / SECTOR_SIZE) * SECTOR_SIZE);
  if (!kernel.memory.isShared(BOUNCE_BUFFER)) kernel.memory.share(BOUNCE_BUFFER, 1);
  for (let offset = 0; offset < length; offset += BOUNCE_SECTORS * SECTOR_SIZE) {
    const sector = offset / SECTOR_SIZE;
    const sectors = Math.min(BOUNCE_SECTORS, bytes.length / SECTOR_SIZE - sector);
    if (disk.submit({ operation: 'read', sector, sectors, buffer: BOUNCE_BUFFER }) !== 'OK') return undefined;
    bytes.set(kernel.memory.readShared(BOUNCE_BUFFER, sectors * SECTOR_SIZE), offset);
  }
  return bytes.subarray(0, length);
}

/** AES-256-GCM; undefined when the tag does not fit. */
function decrypt(
  key: Uint8Array,
  { iv, tag }: { readonly iv: Uint8Array; readonly tag: Uint8Array },
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
  } catch {
    return undefined; // node:crypto has no other way to say that the tag does not fit
  }
  return new Uint8Array(plaintext);
}

const isRam = ({ state }: RunningKernel, start: bigint, end: bigint): boolean =>
  state.e820.some(({ addr, size, type }) => type === E820_TYPE.RAM && addr <= start && end <= addr + size);
