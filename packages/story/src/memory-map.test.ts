import { gpa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { EFI_MEMORY_TYPE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { expect, test } from 'vitest';
import { access, type Given, trace } from '../test/events.ts';
import { MemoryHistory } from './memory-history.ts';
import { memoryMapAt } from './memory-map.ts';

const descriptor = (type: keyof typeof EFI_MEMORY_TYPE, start: bigint, numberOfPages: bigint) =>
  EfiMemoryDescriptor.encode({
    ...{ type: EFI_MEMORY_TYPE[type], physicalStart: gpa(start), virtualStart: gpa(0n) },
    ...{ numberOfPages, attribute: 15n },
  });
const plain = concat(
  descriptor('EfiConventionalMemory', 0n, 16n),
  descriptor('EfiReservedMemoryType', 0x10000n, 1n),
);
const privately = (at: string, cells: string, bytes: Uint8Array) =>
  access('firmware', 'write', cells, bytes.length, {
    ...{ view: 'private', gpa: at, asid: 1, open: { cells: bytes }, closed: { plain: bytes } },
  });
const handover: Given = {
  ...{ type: 'handover', actor: 'firmware', to: 'kernel' },
  ...{ bootParams: '0x1000', systemTable: '0x2000', memoryMap: '0x3000' },
  secretArea: { base: '0x10000', size: 3072, reserved: true, location: '0x4000' },
};
const line = (text: string) => ({ type: 'printk', actor: 'kernel', level: 6, line: text }) as const;
const logged = [
  line('BIOS-e820: [mem 0x0000000000000000-0x000000000000ffff] usable'),
  line('BIOS-e820: [mem 0x0000000000010000-0x0000000000010fff] reserved'),
];

test('the map that the firmware handed over has regions, the secret area, and pages by what was done to them', () => {
  const events = trace(
    { type: 'key', actor: 'amd-sp', asid: 1, installed: true },
    access('host', 'write', '0x90000000', 16, { open: { cells: new Uint8Array(16) } }),
    privately('0x3000', '0x503000', plain),
    privately('0x4000', '0x504000', new Uint8Array(16)),
    handover,
    { type: 'page-state', actor: 'kernel', gpa: '0x4000', pages: 1, shared: true },
  );
  const history = new MemoryHistory(events);
  expect(memoryMapAt(events, history, 6)).toMatchObject({
    source: 'efi',
    regions: [
      { first: 0n, last: 0xffffn, type: 'EfiConventionalMemory' },
      { first: 0x10000n, last: 0x10fffn, type: 'EfiReservedMemoryType' },
    ],
    secretArea: { base: 0x10000n, size: 3072, reserved: true, location: 0x4000n },
    encrypted: [{ first: 0x3000n, last: 0x3fffn }],
    shared: [{ first: 0x4000n, last: 0x4fffn }],
    elsewhere: [{ first: 0x90000000n, last: 0x90000fffn }],
  });
  const before = memoryMapAt(events, history, 4);
  expect(before).toMatchObject({ source: 'none', regions: [], shared: [] });
  expect(before.encrypted).toEqual([{ first: 0x3000n, last: 0x4fffn }]);
  expect(before.secretArea).toBeUndefined();
});

test('without closed bytes the log of the kernel tells the regions, the newest boot first', () => {
  const events = trace(handover, ...logged, line('something else'), handover, logged[0]!);
  const history = new MemoryHistory(events);
  const types = (upTo: number) => memoryMapAt(events, history, upTo).regions.map(({ type }) => type);
  expect([1, 2, 3, 4, 5, 6].map(types)).toEqual([
    ...[[], ['usable'], ['usable', 'reserved'], ['usable', 'reserved'], [], ['usable']],
  ]);
  expect(memoryMapAt(events, history, 3).source).toBe('e820');
});
