/** What must not compile. Nothing here runs: the type checker is the test. */

import type { Gpa, Spa } from '@sevlab/codec/address';
import type { GuestContext, GuestMemory, Host, HostMemory, SecureProcessorMemory } from './machine.ts';

declare const host: HostMemory;
declare const guest: GuestMemory;
declare const amdSp: SecureProcessorMemory;
declare const guestPlace: Gpa;
declare const systemPlace: Spa;
declare const takesHost: (memory: HostMemory) => void;
declare const takesGuest: (memory: GuestMemory) => void;
declare const takesAmdSp: (memory: SecureProcessorMemory) => void;

takesHost(host);
takesGuest(guest);
takesAmdSp(amdSp);
// @ts-expect-error The AMD-SP's view is not the host's, although it has the same read and write.
takesHost(amdSp);
// @ts-expect-error The host's view has no key.
takesAmdSp(host);
// @ts-expect-error The host cannot pass off its own view as a guest's.
takesGuest(host);
// @ts-expect-error A guest's view is no way to raw cells.
takesHost(guest);
// @ts-expect-error An object with the right methods is no capability.
takesHost({ read: () => new Uint8Array(), write: () => {}, touchedPages: host.touchedPages });

host.read(systemPlace, 16);
guest.readPrivate(guestPlace, 16);
// @ts-expect-error The host addresses DRAM, not a guest's memory.
host.read(guestPlace, 16);
// @ts-expect-error A guest does not know where its pages lie.
guest.readPrivate(systemPlace, 16);
// @ts-expect-error A bare number is no address.
host.read(0x1000n, 16);
// @ts-expect-error The host has no decrypted read.
host.readPrivate(guestPlace, 16);
// @ts-expect-error There is no access without saying whether it is private.
guest.read(guestPlace, 16);

declare const hosts: Host;
// @ts-expect-error The host gets a guest's view from VMRUN only.
takesGuest(hosts.memory);
// @ts-expect-error The host cannot take the AMD-SP's place behind the registers.
hosts.mailbox.connect(() => ({ status: 0 }));
declare const context: GuestContext;
takesGuest(context.memory);
// @ts-expect-error A guest is not given the host's view.
takesHost(context.memory);
