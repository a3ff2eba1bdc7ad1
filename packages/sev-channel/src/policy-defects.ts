import { POLICY_RESERVED_MASK } from '@sevlab/codec/sev/policy';
import { macEqual } from './mac.ts';
import { policyMac } from './session.ts';

/** A policy that stands in for the one that was meant, and how that comes about. */
export interface PolicyDefect {
  /** 32 bits. */
  readonly policy: number;
  /** Whose habit it is, such as `sevctl 0.6.2`; absent when nobody in particular has it. */
  readonly by?: string;
  /** What becomes of a policy, such as `bits 31:8 are cut off`. */
  readonly how: string;
}

/** Bits 5:0, and bits 23:16 as two nibbles in the two bytes of the minimum version: 0x170001 becomes 0x07010001. */
const bySevctl = (policy: number): number =>
  (((policy & 0x000f_0000) << 8) | ((policy & 0x00f0_0000) >>> 4) | (policy & 0x3f)) >>> 0;

const bigEndian = (policy: number): number =>
  ((policy << 24) | ((policy & 0xff00) << 8) | ((policy >>> 8) & 0xff00) | (policy >>> 24)) >>> 0;

/** What programs are known, or may be expected, to make of a policy of 32 bits; only what differs from it. */
export function policyDefects(policy: number): PolicyDefect[] {
  const all: readonly PolicyDefect[] = [
    {
      policy: bySevctl(policy),
      by: 'sevctl 0.6.2',
      how: 'bits 15:6 are dropped and the minimum version is garbled',
    },
    { policy: policy & 0xff, by: 'sev-tool 1.7', how: 'bits 31:8 are cut off' },
    { policy: policy & 0xffff, how: 'the minimum version in bits 31:16 is missing' },
    { policy: (policy & ~POLICY_RESERVED_MASK) >>> 0, how: 'the reserved bits 15:6 are missing' },
    {
      policy: ((policy & 0xffff) | ((policy >>> 8) & 0xff_0000) | ((policy << 8) & 0xff00_0000)) >>> 0,
      how: 'major and minor of the minimum version are exchanged',
    },
    { policy: bigEndian(policy), how: 'its bytes are in big-endian order' },
  ];
  return all.filter(
    (defect, i) => defect.policy !== policy && all.findIndex((other) => other.policy === defect.policy) === i,
  );
}

/** All combinations of the flags in bits 5:0, without a minimum version. */
const plainPolicies = (): PolicyDefect[] =>
  Array.from({ length: 0x40 }, (_, policy) => ({ policy, how: 'the session was made for another policy' }));

/**
 * What POLICY_MAC covers, if not `policy`: what a known defect makes of it, or a plain other policy; undefined when
 * none of these gives this MAC.
 */
export const policyMacDefect = (tik: Uint8Array, policy: number, mac: Uint8Array): PolicyDefect | undefined =>
  [...policyDefects(policy), ...plainPolicies()].find((defect) =>
    macEqual(policyMac(tik, defect.policy), mac),
  );
