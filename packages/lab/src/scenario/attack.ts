import { gpa, type Spa, spa } from '@sevlab/codec/address';
import { BOOT_ITEMS } from '@sevlab/firmware-sim/direct-boot/boot-blobs';
import type { Pipeline } from '../pipeline.ts';
import type { Attack } from './scenario.ts';
import { addressOf, bytesOf, policyOf, ScenarioError } from './values.ts';

/** What a hostile host has prepared for the steps to come. */
export interface Schemes {
  image?: Uint8Array;
  policy?: number;
  measurementBit?: number;
  packetFlip?: { readonly part: 'header' | 'data'; readonly bit: number };
  readonly saved: Map<string, Uint8Array>;
}

/** Carries out an attack, or prepares it; `file` is the scenario's. Throws ScenarioError for an attack on what is not there. */
export function attack(
  pipeline: Pipeline,
  step: Attack,
  { schemes, file, fault }: { readonly schemes: Schemes; readonly file: string; readonly fault?: string },
): void {
  pipeline.observer.observe('host', 'host', () => ({
    type: 'attack',
    name: Object.keys(step).join(' '), // one
    ...(fault !== undefined && { fault }),
  }));
  const { memory } = pipeline.actors.machine.host;
  if ('write' in step) {
    memory.write(cellsAt(pipeline, step.write.gpa), hexOf(step.write.hex, 'attack write'));
  } else if ('flip' in step) {
    const at = spa(cellsAt(pipeline, step.flip.gpa) + BigInt(step.flip.bit >> 3));
    memory.write(at, flipBit(memory.read(at, 1), step.flip.bit & 7));
  } else if ('save' in step) {
    schemes.saved.set(step.save.as, memory.read(cellsAt(pipeline, step.save.gpa), step.save.length));
  } else if ('restore' in step) {
    const cells = schemes.saved.get(step.restore.from);
    if (cells === undefined) throw new ScenarioError(`restore: nothing was saved as '${step.restore.from}'`);
    memory.write(cellsAt(pipeline, step.restore.gpa), cells);
  } else if ('image' in step) {
    const image = new Uint8Array(schemes.image ?? pipeline.setup.image);
    const bytes = hexOf(step.image.hex, 'attack image');
    if (step.image.offset + bytes.length > image.length) {
      throw new ScenarioError(
        `attack image: expected bytes inside the image of ${image.length}, got offset ${step.image.offset}`,
      );
    }
    image.set(bytes, step.image.offset);
    schemes.image = image;
  } else if ('fwCfg' in step) {
    const { launching } = pipeline.progress;
    if (launching === undefined)
      throw new ScenarioError('attack fwCfg: there is no guest yet; expected a launch step before it');
    const { item, ...source } = step.fwCfg;
    const bytes = bytesOf(source, file, 'attack fwCfg');
    pipeline.actors.machine.host.offerFwCfg(launching.record.guest, BOOT_ITEMS[item], bytes);
  } else if ('policy' in step) {
    schemes.policy = policyOf(step.policy);
  } else if ('measurement' in step) {
    schemes.measurementBit = step.measurement.bit;
  } else {
    schemes.packetFlip = step.packet;
  }
}

const hexOf = (hex: string, place: string): Uint8Array => bytesOf({ hex }, '', place);

/** A copy with one bit changed; bit 0 is the lowest of the first byte. Throws ScenarioError for a bit beyond the end. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  if (bit >= bytes.length * 8) throw new ScenarioError(`bit ${bit}: expected 0 to ${bytes.length * 8 - 1}`);
  const flipped = new Uint8Array(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

/** The DRAM behind a guest-physical address. */
export function cellsAt(pipeline: Pipeline, address: string): Spa {
  const { launching } = pipeline.progress;
  if (launching === undefined)
    throw new ScenarioError('the guest has no memory yet; expected a launch step before it');
  const place = pipeline.actors.machine.host.locate(launching.record.guest, gpa(addressOf(address)), 1)[0]
    ?.spa;
  if (place === undefined) throw new ScenarioError(`there is no guest memory at ${address}`);
  return place;
}
