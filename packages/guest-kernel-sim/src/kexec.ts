import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { BOOT_PARAMS_SIZE, E820_TYPE, EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_RUNTIME, EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import type { RunningKernel } from './running-kernel.ts';

/** Pages that are taken at the end of RAM: one for boot_params, and what is left for the memory map. */
const PAGES = 4;

/**
 * kexec_file_load(): prepares boot_params for a second kernel, and says where they lie. It gets the e820 map of the
 * first one. With runtime services it also gets the system table, and of the memory map the entries that those need;
 * without them nothing of EFI (arch/x86/kernel/kexec-bzimage64.c, setup_efi_state).
 * NOT MODELLED: the second kernel's own image, and addresses of EFI tables after SetVirtualAddressMap.
 */
export function kexecLoad(kernel: RunningKernel): Gpa {
  const { state, memory } = kernel;
  const bootParams = endOfRam(kernel);
  const params = state.bootParams.slice();
  if (state.efiRuntime) {
    const info = EfiInfo.decodeAt(params, EFI_INFO_OFFSET);
    const map = runtimeMap(kernel, info);
    const mapAt = gpa(bootParams + BigInt(BOOT_PARAMS_SIZE));
    memory.writePrivate(mapAt, map);
    const low = Number(mapAt & 0xffff_ffffn);
    const high = Number(mapAt >> 32n);
    const handed = { ...info, efiMemmap: low, efiMemmapHi: high, efiMemmapSize: map.length };
    params.set(EfiInfo.encode(handed), EFI_INFO_OFFSET);
  } else {
    params.fill(0, EFI_INFO_OFFSET, EFI_INFO_OFFSET + EfiInfo.size);
  }
  memory.writePrivate(bootParams, params);
  return bootParams;
}

function endOfRam({ state }: RunningKernel): Gpa {
  const room = BigInt(PAGES * EFI_PAGE_SIZE);
  const region = state.e820.findLast(({ type, size }) => type === E820_TYPE.RAM && size >= room);
  if (region === undefined) throw new Error('a kernel that runs has RAM');
  return gpa(region.addr + region.size - room);
}

/** The entries of the map that the first kernel got which are mapped at run time. */
function runtimeMap(
  { memory }: RunningKernel,
  { efiMemmap, efiMemmapHi, efiMemmapSize, efiMemdescSize }: EfiInfo,
): Uint8Array {
  const at = (BigInt(efiMemmapHi) << 32n) | BigInt(efiMemmap);
  const entries = Array.from({ length: efiMemmapSize / efiMemdescSize }, (_, i) =>
    memory.readPrivate(gpa(at + BigInt(i * efiMemdescSize)), efiMemdescSize),
  );
  const isRuntime = (entry: Uint8Array): boolean =>
    (EfiMemoryDescriptor.decodeAt(entry, 0).attribute & EFI_MEMORY_RUNTIME) !== 0n;
  return concat(...entries.filter(isRuntime));
}
