import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import { CMD_LINE_PTR_OFFSET, EFI_INFO_OFFSET, EfiInfo } from '@sevlab/codec/efi/boot-params';
import { EFI_MEMORY_TYPE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import type { GuestContext } from '@sevlab/machine/machine';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import { kexecLoad } from './kexec.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';

const NAME = '736869e5-84f0-4973-92ec-06879ce3da0b';
const COMMAND_LINE: Gpa = gpa(0x850000n);
/** Where the system table has the address of the runtime services. */
const RUNTIME_SERVICES: Gpa = gpa(PLAIN_GUEST.systemTable + 88n);

/** Two kernels, one after the other, on one memory. */
function twoKernels({ runtimeServices, commandLine }: { runtimeServices: boolean; commandLine: string }) {
  const observer = createObserver();
  return runPlainGuest(observer, (context: GuestContext) => {
    const { memory } = context;
    memory.writePrivate(PLAIN_GUEST.area, new Uint8Array(4096));
    writePlainGuest(memory);
    const area = encodeSecretTable([{ guid: parseGuid(NAME), data: utf8('passphrase') }]);
    memory.writePrivate(PLAIN_GUEST.area, area);
    memory.writePrivate(COMMAND_LINE, utf8(`${commandLine}\0`));
    const pointer = new Uint8Array(new Uint32Array([Number(COMMAND_LINE)]).buffer);
    memory.writePrivate(gpa(PLAIN_GUEST.bootParams + BigInt(CMD_LINE_PTR_OFFSET)), pointer);
    if (runtimeServices) memory.writePrivate(RUNTIME_SERVICES, Uint8Array.of(0, 0, 0x82));
    const profile = kernelProfile('6.1');
    const boot = (bootParams: Gpa) => bootKernel({ context, bootParams, profile, observer });
    const first = boot(PLAIN_GUEST.bootParams);
    const bootParams = kexecLoad(first);
    return { first, second: boot(bootParams), memory, bootParams };
  });
}

const efiLines = ({ state }: ReturnType<typeof twoKernels>['second']): string[] =>
  state.log.map(({ text }) => text).filter((text) => text.startsWith('efi: '));

describe('a kernel that another one started', () => {
  it('finds the secrets when there are runtime services', () => {
    const { first, second } = twoKernels({ runtimeServices: true, commandLine: 'quiet' });
    expect(efiLines(second)).toEqual(efiLines(first));
    expect(efiLines(second).at(-1)).toContain('CocoSecret=0x820300');
    expect(second.run(`cat /sys/kernel/security/secrets/coco/${NAME}`).output.toString()).toBe('passphrase');
  });

  it.each([
    ['efi=noruntime', { runtimeServices: true, commandLine: 'quiet efi=noruntime' }],
    ['no runtime services', { runtimeServices: false, commandLine: '' }],
  ])('gets no EFI state with %s, and finds none', (_, given) => {
    const { first, second } = twoKernels(given);
    expect(efiLines(first)).not.toEqual([]);
    expect(efiLines(second)).toEqual([]);
    expect(second.state.devices.size).toBe(0);
    expect(second.run('ls /sys/kernel/security/secrets').status).not.toBe(0);
  });

  it('gets the e820 map as it was, so that the page stays reserved', () => {
    const { first, second } = twoKernels({ runtimeServices: false, commandLine: '' });
    expect(second.state.e820).toEqual(first.state.e820);
  });

  it('gets of the memory map what the runtime services need, and nothing that protects the page', () => {
    const { memory, bootParams } = twoKernels({ runtimeServices: true, commandLine: '' });
    const read = (at: bigint, length: number) => memory.readPrivate(gpa(at), length);
    const info = EfiInfo.decode(read(bootParams + BigInt(EFI_INFO_OFFSET), EfiInfo.size));
    const map = Array.from({ length: info.efiMemmapSize / info.efiMemdescSize }, (_, i) =>
      EfiMemoryDescriptor.decode(read(BigInt(info.efiMemmap) + BigInt(i * info.efiMemdescSize), 48)),
    );
    expect(map.map(({ type }) => type)).toEqual([EFI_MEMORY_TYPE.EfiRuntimeServicesData]);
  });
});
