import { type Gpa, gpa, hexAddress, type Spa } from '@sevlab/codec/address';
import type { Pipeline } from '../pipeline.ts';
import { addressOf, ScenarioError } from './values.ts';

/** The DRAM behind a guest-physical address, which a scenario spells. Throws ScenarioError where there is none. */
export const cellsAt = (pipeline: Pipeline, address: string): Spa =>
  guestPage(pipeline, gpa(addressOf(address)), 'attack');

/** The DRAM behind an address of the guest that was launched last. Throws ScenarioError, which names `where`. */
export function guestPage(pipeline: Pipeline, address: Gpa, where: string): Spa {
  const { launching } = pipeline.progress;
  if (launching === undefined)
    throw new ScenarioError(`${where}: the guest has no memory yet; expected a launch step before it`);
  const place = pipeline.actors.machine.host.locate(launching.record.guest, address, 1)[0]?.spa;
  if (place === undefined)
    throw new ScenarioError(`${where}: there is no guest memory at ${hexAddress(address)}`);
  return place;
}
