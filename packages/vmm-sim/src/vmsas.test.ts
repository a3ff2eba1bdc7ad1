import { concat, fromHex } from '@sevlab/codec/bytes';
import { SEV_ES_RESET_BLOCK_GUID } from '@sevlab/codec/guid';
import { GuidedEntryTail } from '@sevlab/codec/ovmf/guided-table';
import { encodeInitialVmsa, RESET_VECTOR } from '@sevlab/codec/sev/vmsa';
import { describe, expect, test } from 'vitest';
import { imageWith } from '../test/recording-host.ts';
import { VmmError } from './errors.ts';
import { initialVmsas, ONE_VCPU } from './vmsas.ts';

const withResetBlock = (data: string) => imageWith([{ guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex(data) }]);
/** As images had it before there were tables. */
const withoutTable = concat(
  new Uint8Array(4096 - 32 - 22),
  fromHex('04b08000'),
  GuidedEntryTail.encode({ len: 22, guid: SEV_ES_RESET_BLOCK_GUID }),
  new Uint8Array(32),
);

describe('the VMSAs of a SEV-ES guest', () => {
  test.each([
    ['with a table', withResetBlock('04b08000')],
    ['of before there were tables', withoutTable],
  ])('an image %s says where all but the boot CPU start', (_, image) => {
    const vcpus = { count: 3, cpuSignature: 0xa10f11, form: 'legacy' } as const;
    const { count, ...rest } = vcpus;
    const other = encodeInitialVmsa({ ...rest, reset: 0x80_b004 });
    expect(initialVmsas(image, vcpus)).toEqual([
      encodeInitialVmsa({ ...rest, reset: RESET_VECTOR }),
      other,
      other,
    ]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['address 0', withResetBlock('00000000'), /SEV-ES reset address is zero/],
    ['no table', new Uint8Array(0x2000), /got no table: 48 bytes before its end/],
    ['no entry', imageWith([]), /SEV-ES is asked for; expected an SEV-ES reset block/],
    ['an entry of 3 bytes', withResetBlock('04b080'), /got one of 3 bytes instead of 4/],
  ])('%s is refused even for one vCPU, as by QEMU', (_, image, message) => {
    expect(() => initialVmsas(image, ONE_VCPU)).toThrow(VmmError);
    expect(() => initialVmsas(image, ONE_VCPU)).toThrow(message);
  });
});
