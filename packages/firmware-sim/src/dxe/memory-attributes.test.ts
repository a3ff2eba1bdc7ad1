import { toHex } from '@sevlab/codec/bytes';
import { expect, test } from 'vitest';
import { inGuest, launchGuest } from '../../test/guest.ts';
import { buildImage } from '../image.ts';
import { memoryAttributes } from './memory-attributes.ts';

test('version 2, no entries, the stride of the memory map', () => {
  const guest = launchGuest(buildImage({ layout: '202405', size: 4096 }));
  inGuest(guest, ({ memory }) => {
    const entry = memoryAttributes(memory, { next: 0x1000n, end: 0x2000n });
    expect(entry).toEqual({ vendorGuid: 'dcfa911d-26eb-469f-a220-38b7dc461220', vendorTable: 0x1018n });
    expect(toHex(memory.readPrivate(entry.vendorTable, 16))).toBe(
      '02000000' + '00000000' + '30000000' + '00000000',
    );
  });
});
