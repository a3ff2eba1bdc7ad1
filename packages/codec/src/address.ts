import { as, type FieldType, u64le } from './layout.ts';

declare const guestPhysical: unique symbol;
declare const systemPhysical: unique symbol;

/** A guest-physical address, in bytes, as the guest's page tables use it (without the C-bit). */
export type Gpa = bigint & { readonly [guestPhysical]: true };

/** A system-physical address, in bytes: a place in the host's DRAM. */
export type Spa = bigint & { readonly [systemPhysical]: true };

/** Calls a number a guest-physical address. The brand exists for the type checker only. */
export const gpa = (value: bigint): Gpa => value as Gpa;

/** Calls a number a system-physical address. The brand exists for the type checker only. */
export const spa = (value: bigint): Spa => value as Spa;

/** u64, little endian, holding a guest-physical address. */
export const guestAddress: FieldType<Gpa> = as(u64le, 'gpa', gpa);

/** u64, little endian, holding a system-physical address. */
export const systemAddress: FieldType<Spa> = as(u64le, 'spa', spa);

/** `0x810000`: the form in which addresses appear in messages, traces and JSON. */
export const hexAddress = (address: bigint): string => `0x${address.toString(16)}`;

/** Whether `value` is a multiple of `alignment`, both in bytes. */
export const isAligned = (value: bigint | number, alignment: number): boolean =>
  typeof value === 'bigint' ? value % BigInt(alignment) === 0n : value % alignment === 0;

/** The smallest multiple of `alignment` that is not below `value`, both in bytes. */
export const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;
