import {
  type Entropy,
  type EntropyState,
  forkEntropy,
  seededEntropy,
  systemEntropy,
} from '@sevlab/ambient/entropy';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import type { CertificateFiles } from '@sevlab/guest-owner-sim/guest-owner';
import type { KeyPair } from '@sevlab/sev-channel/p384';
import type { Pipeline, Setup } from '../pipeline.ts';
import { nearest } from './nearest.ts';
import type { KeptBytes, LaunchPlan } from './scenario.ts';
import { bytesOf, ScenarioError } from './values.ts';

/** What a hostile host has prepared for the steps to come, and what it has learnt. */
export interface Schemes {
  image?: Uint8Array;
  policy?: number;
  launch?: LaunchPlan;
  /** What the owner is shown in the place of the measurement. */
  measurement?: { readonly bit: number } | { readonly from: string };
  packetFlip?: { readonly part: 'header' | 'data'; readonly bit: number };
  /** Certificates that the owner is shown in the place of the platform's. */
  certificates?: Partial<CertificateFiles>;
  certificateFlip?: { readonly name: keyof CertificateFiles; readonly bit: number };
  ownerSnapshot?: EntropyState;
  readonly saved: Map<string, Uint8Array>;
  readonly numbers: Map<string, number>;
  /** Private keys, under the names of their certificates. */
  readonly keys: Map<string, KeyPair>;
  readonly entropy: Entropy;
}

export const createSchemes = ({ seed }: Pick<Setup, 'seed'>): Schemes => ({
  saved: new Map(),
  numbers: new Map(),
  keys: new Map(),
  entropy: seed === undefined ? systemEntropy('attacker') : seededEntropy(seed, 'attacker'),
});

/** The same plans, for another future. */
export const forkSchemes = (schemes: Schemes): Schemes => ({
  ...schemes,
  saved: new Map(schemes.saved),
  numbers: new Map(schemes.numbers),
  keys: new Map(schemes.keys),
  entropy: forkEntropy(schemes.entropy),
});

/** What passes through the host's hands anyway. */
const SEEN: ReadonlyMap<string, (progress: Pipeline['progress']) => Uint8Array | undefined> = new Map([
  ['owner.godh', ({ offer }) => offer?.godh],
  ['owner.session', ({ offer }) => offer?.session],
  ['packet.header', ({ packet }) => packet?.header],
  ['packet.data', ({ packet }) => packet?.data],
  ['measurement', ({ measured }) => measured?.measurement],
]);

/** Numbers of the guest that the host launched last. */
const COUNTED: ReadonlyMap<string, (pipeline: Pipeline) => number | undefined> = new Map([
  ['guest.handle', ({ progress }) => progress.launching?.record.handle],
  ['guest.asid', ({ progress }) => progress.launching?.record.asid],
  ['guest.policy', ({ setup }) => setup.policy],
]);

/** The bytes of that name. Throws ScenarioError when there are none. */
export function keptBytes(pipeline: Pipeline, { saved }: Schemes, name: string): Uint8Array {
  const bytes = saved.get(name) ?? SEEN.get(name)?.(pipeline.progress);
  if (bytes !== undefined) return bytes;
  throw unknown(name, 'bytes are', [...saved.keys(), ...SEEN.keys()]);
}

/** The number of that name. Throws ScenarioError when there is none. */
export function keptNumber(pipeline: Pipeline, { numbers }: Schemes, name: string): number {
  const number = numbers.get(name) ?? COUNTED.get(name)?.(pipeline);
  if (number !== undefined) return number;
  throw unknown(name, 'number is', [...numbers.keys(), ...COUNTED.keys()]);
}

/** The private key of that name. Throws ScenarioError when the host has none. */
export function keptKey({ keys }: Schemes, name: string): KeyPair {
  const key = keys.get(name);
  if (key !== undefined) return key;
  throw unknown(name, 'private key is', [...keys.keys()]);
}

function unknown(name: string, what: string, known: readonly string[]): ScenarioError {
  const near = nearest(name, known);
  const suggestion = near === undefined || near === name ? '' : `; did you mean ${near}?`;
  const expected =
    known.length === 0 ? 'a step that keeps it' : `a step that keeps it, or ${known.join(', ')}`;
  return new ScenarioError(`${name}: no ${what} kept under that name yet; expected ${expected}${suggestion}`);
}

/** Written or kept bytes; `file` is the scenario's. Throws ScenarioError. */
export function resolveBytes(
  pipeline: Pipeline,
  schemes: Schemes,
  source: KeptBytes,
  { file, place }: { readonly file: string; readonly place: string },
): Uint8Array {
  if (!('from' in source)) return bytesOf(source, file, place);
  const { from, offset = 0, length } = source;
  const all = keptBytes(pipeline, schemes, from);
  const end = offset + (length ?? all.length - offset);
  if (offset > all.length || end > all.length)
    throw new ScenarioError(
      `${place}: ${from} has ${all.length} bytes; expected a part of them, got ${offset} to ${end}`,
    );
  return all.slice(offset, end);
}

/** TEK and TIK of that name; `zero` are those of a launch without a session. Throws ScenarioError. */
export function keptChannel(
  pipeline: Pipeline,
  schemes: Schemes,
  name: string,
): { readonly tek: Uint8Array; readonly tik: Uint8Array } {
  if (name === 'zero') return { tek: new Uint8Array(16), tik: new Uint8Array(16) };
  return {
    tek: keptBytes(pipeline, schemes, `${name}.tek`),
    tik: keptBytes(pipeline, schemes, `${name}.tik`),
  };
}

/** Keeps a packet as `NAME.header`, 52 bytes, and `NAME.data`. */
export function keepPacket(
  { saved }: Schemes,
  name: string,
  { header, data }: { readonly header: PacketHeader; readonly data: Uint8Array },
): void {
  saved.set(`${name}.header`, PacketHeader.encode(header));
  saved.set(`${name}.data`, data);
}
