import { createDecipheriv, createHash } from 'node:crypto';
import { alignUp, type Gpa, gpa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { E820_TYPE } from '@sevlab/codec/efi/boot-params';
import { ENCRYPTED_FILE_MAGIC, ENCRYPTED_FILE_VERSION, EncryptedFile } from '@sevlab/codec/encrypted-file';
import { type Disk, SECTOR_SIZE } from '@sevlab/machine/devices/disk';
import { parseArguments } from '../coreutils/arguments.ts';
import {
  eachPart,
  type Process,
  type Program,
  ProgramExit,
  print,
  type Run,
  strerror,
} from '../coreutils/program.ts';
import type { RunningKernel } from '../running-kernel.ts';

/** A page for the disk's DMA, which cannot reach private memory (as SWIOTLB does). */
const BOUNCE_BUFFER: Gpa = gpa(0x0200_0000n);
const BOUNCE_SECTORS = 8;
/** Where the plaintext of the first file goes: private memory. Each further one starts on a page. */
export const PLAINTEXT_ADDRESS: Gpa = gpa(0x0210_0000n);
/** Bytes from there on, and the most that the files may have. */
const ROOM = 1024 * 1024;
const PAGE_SIZE = 4096;
const KEY_SIZE = 32;

/** A file in the clear, in private memory. */
interface Decrypted {
  readonly address: Gpa;
  readonly length: number;
}

/**
 * `decrypt-file [-s] KEYFILE` (Documentation/security/secrets/coco.rst, Application Example): takes the key out of
 * securityfs, decrypts the files of the untrusted disk into private memory, and prints them, or with -s the SHA-256 of
 * each. The host sees the ciphertext pass through the shared bounce buffer. What it leaves out at the end of the disk is
 * not missed, since no file says how many there are.
 */
export const decryptFile: Program = function* (process) {
  const { kernel } = process;
  const { options, operands } = parseArguments('decrypt-file', process.args, {
    letters: 's',
    long: { sum: 's' },
    status: 2,
  });
  const [keyFile] = operands;
  if (keyFile === undefined) throw fail('missing operand; expected the path of a key file', 2);
  const key = yield* readKey(process, keyFile);
  const { disk } = kernel.context;
  if (disk === undefined) throw fail('the guest has no disk');
  if (!isRam(kernel, BOUNCE_BUFFER, PLAINTEXT_ADDRESS + BigInt(ROOM))) throw fail('not enough memory');

  const sum = options.has('s');
  let number = 0;
  for (const { address, length } of decryptAll(kernel, disk, key)) {
    number++;
    const content = kernel.memory.readPrivate(address, length);
    yield* print(process, sum ? `${sha256(content)}  file ${number}, ${length} bytes\n` : content);
  }
  if (number === 0) throw fail('the disk does not start with an encrypted file');
  return 0;
};

const fail = (reason: string, status = 1): ProgramExit =>
  new ProgramExit(`decrypt-file: ${reason}\n`, status);

const sha256 = (content: Uint8Array): string => toHex(createHash('sha256').update(content).digest());

function* readKey(process: Process, path: string): Run<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // biome-ignore lint/correctness/useYield: it only keeps what was read
  const error = yield* eachPart(process, path, function* (part) {
    length += part.length;
    if (length <= KEY_SIZE) parts.push(part);
  });
  if (error !== undefined) throw fail(`${path}: ${strerror(error)}`);
  if (length !== KEY_SIZE) throw fail(`${path}: expected a key of ${KEY_SIZE} bytes, got ${length}`);
  return concat(...parts);
}

/** The files of the disk, each at the start of a sector, up to the first sector that starts none. Throws ProgramExit. */
function* decryptAll(kernel: RunningKernel, disk: Disk, key: Uint8Array): Generator<Decrypted> {
  let free = 0;
  for (let [sector, number] = [0, 1]; ; number++) {
    const head = readDisk(kernel, disk, sector, EncryptedFile.size);
    const header = head && EncryptedFile.decode(head);
    if (header?.magic !== ENCRYPTED_FILE_MAGIC || header.version !== ENCRYPTED_FILE_VERSION) return;
    const { length } = header;
    const size = EncryptedFile.size + length;
    const whole = length <= ROOM - free ? readDisk(kernel, disk, sector, size) : undefined;
    if (whole === undefined) throw fail(`file ${number}: its ${length} bytes are not all there, or too many`);
    const plaintext = decrypt(key, header, whole.subarray(EncryptedFile.size));
    if (plaintext === undefined) throw fail(`file ${number}: wrong key, or it was changed`);
    const address = gpa(PLAINTEXT_ADDRESS + BigInt(free));
    kernel.memory.writePrivate(address, plaintext);
    yield { address, length };
    free += alignUp(length, PAGE_SIZE);
    sector += alignUp(size, SECTOR_SIZE) / SECTOR_SIZE;
  }
}

/** The first `length` bytes from a sector on; undefined when the disk has fewer. */
function readDisk(kernel: RunningKernel, disk: Disk, start: number, length: number): Uint8Array | undefined {
  const bytes = new Uint8Array(alignUp(length, SECTOR_SIZE));
  if (!kernel.memory.isShared(BOUNCE_BUFFER)) kernel.memory.share(BOUNCE_BUFFER, 1);
  for (let offset = 0; offset < length; offset += BOUNCE_SECTORS * SECTOR_SIZE) {
    const sectors = Math.min(BOUNCE_SECTORS, (bytes.length - offset) / SECTOR_SIZE);
    const sector = start + offset / SECTOR_SIZE;
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
