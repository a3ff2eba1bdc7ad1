import { toHex, utf8 } from '@sevlab/codec/bytes';
import {
  SEV_ES_RESET_BLOCK_GUID,
  SEV_HASH_TABLE_BLOCK_GUID,
  SEV_SECRET_BLOCK_GUID,
} from '@sevlab/codec/guid';
import type { TableImage, VmmGiven } from './case.ts';
import { tableImageBytes } from './firmware-image.ts';
import { offeredItems } from './offered-kernel.ts';

/** How a VMM is started: QEMU's arguments without the program, and the files that they name. */
export interface VmmStart {
  readonly arguments: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The image of a case that names none. */
export const DEFAULT_FIRMWARE: TableImage = {
  size: 8192,
  entries: [
    { guid: SEV_HASH_TABLE_BLOCK_GUID, data: '00cc800000040000' },
    { guid: SEV_SECRET_BLOCK_GUID, data: '00c08000000c0000' },
    { guid: SEV_ES_RESET_BLOCK_GUID, data: '04b08000' },
  ],
};

/** The name of the file with flash unit 0. */
export const FIRMWARE_FILE = 'firmware.fd';

/** The command line that a case describes, in QEMU's words. The monitor is left to whoever starts it. */
export function vmmStart(given: VmmGiven): VmmStart {
  const { sev, firmware, kernel, vcpus, paused, machine } = given;
  const withSev = sev !== 'none';
  const properties = withSev ? { cbitpos: 0, 'reduced-phys-bits': 1, policy: 1, ...sev } : {};
  const object = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  const files = new Map(Object.entries(given.files ?? {}).map(([name, text]) => [name, utf8(text)]));
  if (withSev || firmware) files.set(FIRMWARE_FILE, tableImageBytes(firmware ?? DEFAULT_FIRMWARE));
  const items = kernel ? offeredItems(kernel) : {};
  if (items.kernel) files.set('kernel', items.kernel);
  if (items.initrd) files.set('initrd', items.initrd);
  const machineOptions = ['q35', ...(withSev ? ['confidential-guest-support=sev0'] : []), machine ?? ''];
  return {
    arguments: [
      ...['-nodefaults', '-display', 'none', '-accel', withSev ? 'kvm' : 'tcg', '-m', '64'],
      ...['-machine', machineOptions.filter((option) => option !== '').join(',')],
      ...(withSev ? ['-object', ['sev-guest,id=sev0', ...object].join(',')] : []),
      ...(files.has(FIRMWARE_FILE)
        ? ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${FIRMWARE_FILE}`]
        : []),
      ...(items.kernel ? ['-kernel', 'kernel'] : []),
      ...(items.initrd ? ['-initrd', 'initrd'] : []),
      ...(kernel?.commandLine === undefined ? [] : ['-append', kernel.commandLine]),
      ...(vcpus === undefined ? [] : ['-smp', String(vcpus)]),
      ...(paused === 'no' ? [] : ['-S']),
    ],
    files,
  };
}

/** The files for somebody who reads lines: hexadecimal by name. */
export const filesAsText = (files: VmmStart['files']): Record<string, string> =>
  Object.fromEntries([...files].map(([name, bytes]) => [name, toHex(bytes)]));
