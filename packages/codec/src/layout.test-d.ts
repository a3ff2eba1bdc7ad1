/** What must not compile. Nothing here runs: the type checker is the test. */

import { type Gpa, gpa, guestAddress, type Spa, systemAddress } from './address.ts';
import type { Guid } from './guid.ts';
import { at, reserved, struct, u8, u32le, u64le, type ValueOf } from './layout.ts';

declare const guestPlace: Gpa;
declare const systemPlace: Spa;
declare const takesSpa: (address: Spa) => void;
declare const takesGpa: (address: Gpa) => void;
declare const takesGuid: (guid: Guid) => void;

takesGpa(guestPlace);
takesSpa(systemPlace);
// @ts-expect-error A guest-physical address is no place in DRAM before the nested page tables said so.
takesSpa(guestPlace);
// @ts-expect-error A system-physical address means nothing to a guest.
takesGpa(systemPlace);
// @ts-expect-error A bare number of 64 bits does not say in which space it is an address.
takesSpa(0x1000n);
// @ts-expect-error Adding to an address gives a bigint: the sum must be called an address again.
takesGpa(guestPlace + 16n);
// @ts-expect-error Any text is not a GUID: parseGuid decides.
takesGuid('736869e5-84f0-4973-92ec-06879ce3da0b');

const Sample = struct('sample', 'none', {
  count: at(0x00, u32le, ''),
  reserved04: at(0x04, reserved(4), ''),
  guestPaddr: at(0x08, guestAddress, ''),
  systemPaddr: at(0x10, systemAddress, ''),
  wide: at(0x18, u64le, ''),
});
declare const sample: ValueOf<typeof Sample>;

takesGpa(sample.guestPaddr);
takesSpa(sample.systemPaddr);
// @ts-expect-error Reserved bytes have no value.
sample.reserved04;
// @ts-expect-error A u64 that is not declared as an address is none.
takesSpa(sample.wide);
// @ts-expect-error The two address fields cannot be taken for each other.
takesSpa(sample.guestPaddr);

const rest = { count: 1, systemPaddr: systemPlace, wide: 0n };
Sample.encode({ ...rest, guestPaddr: gpa(0n) });
// @ts-expect-error Every live field is needed.
Sample.encode(rest);
// @ts-expect-error Only an address of the right space is written into an address field.
Sample.encode({ ...rest, guestPaddr: systemPlace });
// @ts-expect-error Reserved bytes cannot be given.
Sample.encode({ ...rest, guestPaddr: guestPlace, reserved04: undefined });
// @ts-expect-error A u64 is a bigint, so that no bit of it is lost.
Sample.encode({ ...rest, guestPaddr: guestPlace, wide: 0 });
// @ts-expect-error A u32 is a number.
struct('narrow', 'none', { small: at(0, u8, '') }).encode({ small: 1n });
