import { createHash } from 'node:crypto';
import { hexAddress } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import { SEV_HASH_TABLE_BLOCK_GUID } from '@sevlab/codec/guid';
import { type AreaBlock, findArea, findEntry, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { encodeHashesTable, HASHES_TABLE_SIZE } from '@sevlab/codec/ovmf/hashes-table';
import { VmmError } from './errors.ts';

/** What the firmware is given to start: QEMU's `-kernel`, `-initrd` and `-append`. */
export interface DirectBoot {
  /** The file as it is: under SEV nothing in its setup header is changed. */
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  /** Without a NUL; empty for none. */
  readonly commandLine: string;
}

/** Items of fw_cfg by name, as QEMU names them from 10.0 on; older firmware takes the same from numbered items. */
export const bootItems = ({ kernel, initrd, commandLine }: DirectBoot): readonly [string, Uint8Array][] => [
  ['etc/boot/kernel', kernel],
  ['etc/boot/cmdline', utf8(`${commandLine}\0`)],
  ...(initrd ? [['etc/boot/initrd', initrd] as [string, Uint8Array]] : []),
];

/** The table for the firmware to check against, HASHES_TABLE_SIZE bytes (QEMU, target/i386/sev.c: build_kernel_loader_hashes). */
export const hashesTable = ({ kernel, initrd, commandLine }: DirectBoot): Uint8Array =>
  encodeHashesTable({
    commandLine: sha256(utf8(`${commandLine}\0`)),
    initrd: sha256(initrd ?? new Uint8Array()),
    kernel: sha256(kernel),
  });

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/**
 * Where an image wants the table (QEMU, target/i386/sev.c: sev_add_kernel_loader_hashes). Throws VmmError for an image
 * that has no such area.
 */
export function findHashesArea(image: Uint8Array): AreaBlock {
  const table = readGuidedTable(image);
  if (findEntry(table, SEV_HASH_TABLE_BLOCK_GUID) === undefined) {
    throw new VmmError(
      `firmware image: kernel hashes are asked for, but it has no hashes table GUID; expected an entry ` +
        `${SEV_HASH_TABLE_BLOCK_GUID}: take an AmdSev build of edk2-stable202108 or later`,
    );
  }
  const area = findArea(table, SEV_HASH_TABLE_BLOCK_GUID);
  if (area === undefined || area.base === 0 || area.size < HASHES_TABLE_SIZE) {
    const got = area
      ? `base ${hexAddress(BigInt(area.base))} and size ${area.size}`
      : 'an entry without them';
    throw new VmmError(
      `firmware image: its hashes table area is invalid: expected a base other than zero and at least ` +
        `${HASHES_TABLE_SIZE} bytes, got ${got}`,
    );
  }
  return area;
}
