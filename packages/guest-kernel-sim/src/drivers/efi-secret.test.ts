import { createObserver } from '@sevlab/ambient/observer';
import { gpa } from '@sevlab/codec/address';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { expect, it } from 'vitest';
import { bootKernel } from '../boot.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '../plain-guest.ts';
import { kernelProfile } from '../profile.ts';
import { ROOT } from '../user.ts';

const NAME = '736869e5-84f0-4973-92ec-06879ce3da0b';
const HEADER = 20n;
const ENTRY_HEAD = 20n;

it('wipes the data, then the name, and nothing else', () => {
  const observer = createObserver({ record: true });
  runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    const table = encodeSecretTable([{ guid: parseGuid(NAME), data: new Uint8Array(7).fill(1) }]);
    context.memory.writePrivate(PLAIN_GUEST.area, table);
    const profile = kernelProfile('6.1');
    const kernel = bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    const from = observer.events.length;
    kernel.as(ROOT).unlink(`/sys/kernel/security/secrets/coco/${NAME}`);
    const writes = observer.events
      .slice(from)
      .flatMap((event) => (event.type === 'access' && event.operation === 'write' ? [event] : []));
    const entry = PLAIN_GUEST.area + HEADER;
    expect(writes.map((event) => [event.gpa, event.length])).toEqual([
      [`0x${gpa(entry + ENTRY_HEAD).toString(16)}`, 7],
      [`0x${gpa(entry).toString(16)}`, 16],
    ]);
  });
});
