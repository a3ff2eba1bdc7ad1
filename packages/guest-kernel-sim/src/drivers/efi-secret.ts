import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import { SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import { EFI_SECRET_TABLE_HEADER_GUID, type Guid, guidToBytes, NULL_GUID } from '@sevlab/codec/guid';
import { fillForm } from '@sevlab/codec/message-form';
import { Errno, type ErrnoName, KernelError } from '../errno.ts';
import { ioremapEncrypted, type Mapping } from '../ioremap.ts';
import { EFI_SECRET_MESSAGES as MESSAGES } from '../log-messages.ts';
import type { DeviceLog } from '../printk.ts';
import type { RunningKernel } from '../running-kernel.ts';
import {
  createDirectory,
  createFile,
  type InodeOperations,
  type OperationsName,
  removeEntry,
  removeTree,
  type SecurityInode,
} from '../securityfs.ts';

/** Files beyond this many are not made (efi_secret.c, EFI_SECRET_NUM_FILES). */
const EFI_SECRET_NUM_FILES = 64;
const OPERATIONS: OperationsName = 'efi_secret';

/** What the driver keeps while it is bound (efi_secret.c, struct efi_secret). */
export interface EfiSecretData {
  readonly area: Mapping;
  readonly fsDir: number;
  readonly cocoDir: number;
  /** Names of the files in the order of the table. */
  readonly fsFiles: Guid[];
}

/** efi_secret_probe(). Throws KernelError. Nothing stays behind, but for `secrets` when `coco` cannot be made. */
export function probeEfiSecret(kernel: RunningKernel, dev: DeviceLog): void {
  const area = mapArea(kernel, dev);
  checkHeader(kernel, area, dev);
  kernel.state.efiSecret = securityfsSetup(kernel, area, dev);
}

/** efi_secret_remove(). Memory is not wiped: only unlink does that. */
export function removeEfiSecret(kernel: RunningKernel, dev: DeviceLog): void {
  const data = kernel.state.efiSecret;
  if (data === undefined) throw new Error('the driver is not bound');
  securityfsTeardown(kernel, data, dev);
  kernel.state.efiSecret = undefined;
}

/** efi_secret_map_area(): the location is read again at each probe. */
function mapArea(kernel: RunningKernel, dev: DeviceLog): Mapping {
  const { cocoSecret } = kernel.state;
  if (cocoSecret === undefined) throw reject(dev, 'EINVAL', MESSAGES.noLocation);
  const { basePa, size } = SecretLocation.decode(kernel.memory.readPrivate(cocoSecret, SecretLocation.size));
  if (basePa === 0n || size < BigInt(SecretHeader.size)) {
    const found = { base: hexAddress(basePa), size: hexAddress(size) };
    throw reject(dev, 'EINVAL', fillForm(MESSAGES.badLocation, found));
  }
  const area = ioremapEncrypted(kernel, basePa, size);
  if (area === undefined) throw reject(dev, 'ENOMEM', MESSAGES.notMapped);
  return area;
}

function checkHeader(kernel: RunningKernel, area: Mapping, dev: DeviceLog): void {
  const header = readHeader(kernel, area);
  if (header.guid !== EFI_SECRET_TABLE_HEADER_GUID) {
    dev.dbg(MESSAGES.wrongGuid); // no error: nothing was injected
    throw new KernelError('ENODEV', 'the secret area is not populated');
  }
  if (header.len < SecretHeader.size) {
    throw reject(dev, 'EINVAL', MESSAGES.tooSmall);
  }
  if (BigInt(header.len) > area.size) {
    throw reject(dev, 'EINVAL', MESSAGES.tooBig);
  }
}

/** efi_secret_securityfs_setup(): directories first, then the walk; any fault removes what was made. */
function securityfsSetup(kernel: RunningKernel, area: Mapping, dev: DeviceLog): EfiSecretData {
  const create = (parent: number, name: string, unlinkBy?: OperationsName): number => {
    try {
      return createDirectory(kernel, parent, name, unlinkBy);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const message = fillForm(MESSAGES.noDirectory, { name, errno: -Errno[error.code] });
      throw reject(dev, error.code, message);
    }
  };
  const fsDir = create(kernel.state.securityfs.root, 'secrets');
  const cocoDir = create(fsDir, 'coco', OPERATIONS);
  const data: EfiSecretData = { area, fsDir, cocoDir, fsFiles: [] };
  try {
    createFiles(kernel, data, dev);
  } catch (error) {
    if (error instanceof KernelError) securityfsTeardown(kernel, data, dev);
    throw error;
  }
  dev.info(fillForm(MESSAGES.created, { count: data.fsFiles.length }));
  return data;
}

function createFiles(kernel: RunningKernel, { area, cocoDir, fsFiles }: EfiSecretData, dev: DeviceLog): void {
  let ptr = gpa(area.base + BigInt(SecretHeader.size));
  let bytesLeft = readHeader(kernel, area).len - SecretHeader.size;
  while (bytesLeft >= SecretEntry.size && fsFiles.length < EFI_SECRET_NUM_FILES) {
    const entry = readEntry(kernel, ptr);
    if (entry.len < SecretEntry.size || entry.len > bytesLeft) {
      throw reject(dev, 'EINVAL', MESSAGES.corrupted);
    }
    const deleted = entry.guid === NULL_GUID;
    if (!deleted) {
      try {
        createFile(kernel, cocoDir, entry.guid, 0o440, OPERATIONS, ptr);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        throw reject(dev, error.code, MESSAGES.noFile);
      }
      fsFiles.push(entry.guid);
    }
    ptr = gpa(ptr + BigInt(entry.len));
    bytesLeft -= entry.len;
  }
}

/** efi_secret_securityfs_teardown(). VERSION: up to 6.16 one by one, which a file that is open can spoil. */
function securityfsTeardown(kernel: RunningKernel, data: EfiSecretData, dev: DeviceLog): void {
  const { fsDir, cocoDir, fsFiles } = data;
  const { root } = kernel.state.securityfs;
  if (kernel.state.profile.removesSubtrees) {
    removeTree(kernel, root, 'secrets');
  } else {
    for (const name of fsFiles.toReversed()) removeEntry(kernel, cocoDir, name);
    removeEntry(kernel, fsDir, 'coco');
    removeEntry(kernel, root, 'secrets');
  }
  dev.dbg(MESSAGES.removed);
}

/** Operations of the files below secrets/coco. */
export const efiSecretOperations: InodeOperations = {
  /** efi_secret_bin_file_show(): the secret as it is in memory now, with the length that the entry has now. */
  show(kernel, entry) {
    const { data, length } = locateData(kernel, entry);
    return kernel.memory.readPrivate(data, length);
  },

  /**
   * efi_secret_unlink(): wipes the data, then the GUID; the length stays, so that the next walk can pass.
   * NOT MODELLED: clflush_cache_range() between the two; memory here has no cache.
   */
  unlink(kernel, inode: SecurityInode) {
    if (inode.private === undefined) return;
    const { data, length } = locateData(kernel, inode.private);
    kernel.memory.writePrivate(data, new Uint8Array(length));
    kernel.memory.writePrivate(inode.private, guidToBytes(NULL_GUID));
    inode.private = undefined;
  },
};

/**
 * Where an entry's data lies: its length is read from guest memory each time.
 * DEVIATION: Linux follows a length that was changed behind its back, or a mapping that is gone, into whatever lies
 * there, and may crash. Here such an access is EFAULT.
 */
function locateData(kernel: RunningKernel, entry: Gpa): { data: Gpa; length: number } {
  const area = kernel.state.efiSecret?.area;
  if (area === undefined) throw new KernelError('EFAULT', 'the secret area is not mapped');
  const { len } = readEntry(kernel, entry);
  if (len < SecretEntry.size || entry + BigInt(len) > area.base + area.size) {
    throw new KernelError('EFAULT', `the entry's length is ${len} now, which its area cannot hold`);
  }
  return { data: gpa(entry + BigInt(SecretEntry.size)), length: len - SecretEntry.size };
}

const readHeader = (kernel: RunningKernel, area: Mapping): SecretHeader =>
  SecretHeader.decode(kernel.memory.readPrivate(area.base, SecretHeader.size));

const readEntry = (kernel: RunningKernel, address: Gpa): SecretEntry =>
  SecretEntry.decode(kernel.memory.readPrivate(address, SecretEntry.size));

function reject(dev: DeviceLog, code: ErrnoName, message: string): KernelError {
  dev.err(message);
  return new KernelError(code, message);
}
