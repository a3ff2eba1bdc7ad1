import { gpa, spa } from '@sevlab/codec/address';
import { LengthError } from '@sevlab/codec/layout';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { BOOT_ITEMS } from '@sevlab/firmware-sim/direct-boot/boot-blobs';
import type { Pipeline } from '../pipeline.ts';
import { readAsAccomplice } from './accomplice.ts';
import { decrypt, forgeMeasurement, forgePacket, impersonate, makeDhKey, unwrap } from './attacker-keys.ts';
import { damage } from './damage.ts';
import { cellsAt } from './guest-cells.ts';
import type { Attack } from './scenario.ts';
import { keptBytes, resolveBytes, type Schemes } from './schemes.ts';
import { sendCommand } from './sent-command.ts';
import { addressOf, bytesOf, policyOf, ScenarioError } from './values.ts';

interface Means {
  readonly schemes: Schemes;
  readonly file: string;
}

/**
 * Carries out an attack, or prepares it; `file` is the scenario's. Returns what the AMD-SP answers to a command. Throws
 * ScenarioError for an attack on what is not there, and VmrunRefused.
 */
export function attack(
  pipeline: Pipeline,
  step: Attack,
  { schemes, file, fault }: Means & { readonly fault?: string },
): SevStatus {
  const whose = 'damage' in step ? 'firmware' : 'host';
  pipeline.observer.observe(whose, whose, () => ({
    type: 'attack',
    name: 'command' in step ? step.command : Object.keys(step).join(' '), // one
    ...(fault !== undefined && { fault }),
  }));
  if ('command' in step) return sendCommand(pipeline, schemes, step);
  const done =
    tamper(pipeline, step, schemes) ||
    prepare(pipeline, step, { schemes, file }) ||
    reckonWith(pipeline, step, { schemes, file });
  if (!done) throw new Error(`no attack ${Object.keys(step)}`); // the schema has them all
  return 'SUCCESS';
}

/** What happens to memory now. Returns whether the attack is of that kind. */
function tamper(pipeline: Pipeline, step: Attack, { saved }: Schemes): boolean {
  const { memory } = pipeline.actors.machine.host;
  if ('write' in step) {
    memory.write(cellsAt(pipeline, step.write.gpa), hexOf(step.write.hex, 'attack write'));
  } else if ('flip' in step) {
    const at = spa(cellsAt(pipeline, step.flip.gpa) + BigInt(step.flip.bit >> 3));
    memory.write(at, flipBit(memory.read(at, 1), step.flip.bit & 7));
  } else if ('save' in step) {
    saved.set(step.save.as, memory.read(cellsAt(pipeline, step.save.gpa), step.save.length));
  } else if ('restore' in step) {
    const cells = saved.get(step.restore.from);
    if (cells === undefined) throw new ScenarioError(`restore: nothing was saved as '${step.restore.from}'`);
    memory.write(cellsAt(pipeline, step.restore.gpa), cells);
  } else if ('remap' in step) {
    const { host } = pipeline.actors.machine;
    const to = cellsAt(pipeline, step.remap.to);
    host.remap(guestOf(pipeline, 'attack remap').guest, gpa(addressOf(step.remap.gpa)), to);
  } else if ('damage' in step) {
    damage(pipeline, step.damage);
  } else if ('vmsa' in step) {
    const { vmsa } = guestOf(pipeline, 'attack vmsa');
    if (vmsa === undefined)
      throw new ScenarioError('attack vmsa: the guest has none; expected ES in its policy');
    const at = spa(vmsa + BigInt(step.vmsa.bit >> 3));
    memory.write(at, flipBit(memory.read(at, 1), step.vmsa.bit & 7));
  } else if ('run' in step) {
    saved.set(step.run.as, readAsAccomplice(pipeline, step.run));
  } else return false;
  return true;
}

/** What the host has ready for a step to come. Returns whether the attack is of that kind. */
function prepare(pipeline: Pipeline, step: Attack, { schemes, file }: Means): boolean {
  if ('image' in step) {
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
    const { item, ...source } = step.fwCfg;
    const { guest } = guestOf(pipeline, 'attack fwCfg');
    const bytes = bytesOf(source, file, 'attack fwCfg');
    pipeline.actors.machine.host.offerFwCfg(guest, BOOT_ITEMS[item], bytes);
  } else if ('policy' in step) {
    schemes.policy = policyOf(step.policy);
  } else if ('launch' in step) {
    schemes.launch = step.launch;
  } else if ('measurement' in step) {
    schemes.measurement = step.measurement;
  } else if ('packet' in step) {
    schemes.packetFlip = step.packet;
  } else if ('certificate' in step) {
    schemes.certificateFlip = step.certificate;
  } else if ('impersonate' in step) {
    impersonate(pipeline, schemes, step.impersonate);
  } else if ('owner' in step) {
    const { entropy } = pipeline.actors.owner.state;
    if (step.owner === 'snapshot') schemes.ownerSnapshot = { ...entropy };
    else if (schemes.ownerSnapshot) Object.assign(entropy, schemes.ownerSnapshot);
    else throw new ScenarioError('attack owner: there is nothing to go back to; expected a snapshot before');
  } else return false;
  return true;
}

/** As reckon; kept bytes that are no session, packet or certificate are the scenario's fault. */
function reckonWith(pipeline: Pipeline, step: Attack, means: Means): boolean {
  try {
    return reckon(pipeline, step, means);
  } catch (error) {
    if (error instanceof LengthError)
      throw new ScenarioError(`attack ${Object.keys(step)}: ${error.message}`);
    throw error;
  }
}

/** What the host works out from what it has. Returns whether the attack is of that kind. */
function reckon(pipeline: Pipeline, step: Attack, { schemes, file }: Means): boolean {
  const { saved } = schemes;
  if ('keep' in step) {
    const { as, ...source } = step.keep;
    saved.set(as, resolveBytes(pipeline, schemes, source, { file, place: 'attack keep' }));
  } else if ('xor' in step) {
    const [a, b] = step.xor.of.map((source) =>
      resolveBytes(pipeline, schemes, source, { file, place: 'attack xor' }),
    ) as [Uint8Array, Uint8Array]; // of has two
    saved.set(
      step.xor.as,
      a.subarray(0, b.length).map((byte, i) => byte ^ b[i]!),
    );
  } else if ('alter' in step) {
    saved.set(step.alter.as, flipBit(keptBytes(pipeline, schemes, step.alter.from), step.alter.bit));
  } else if ('dhKey' in step) {
    makeDhKey(schemes, step.dhKey);
  } else if ('unwrap' in step) {
    unwrap(pipeline, schemes, step.unwrap);
  } else if ('forgeMeasurement' in step) {
    forgeMeasurement(pipeline, schemes, step.forgeMeasurement);
  } else if ('forgePacket' in step) {
    forgePacket(pipeline, schemes, step.forgePacket, file);
  } else if ('decrypt' in step) {
    decrypt(pipeline, schemes, step.decrypt);
  } else return false;
  return true;
}

function guestOf(pipeline: Pipeline, where: string) {
  const { launching } = pipeline.progress;
  if (launching === undefined)
    throw new ScenarioError(`${where}: there is no guest yet; expected a launch step before it`);
  return launching.record;
}

const hexOf = (hex: string, place: string): Uint8Array => bytesOf({ hex }, '', place);

/** A copy with one bit changed; bit 0 is the lowest of the first byte. Throws ScenarioError for a bit beyond the end. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  if (bit >= bytes.length * 8) throw new ScenarioError(`bit ${bit}: expected 0 to ${bytes.length * 8 - 1}`);
  const flipped = new Uint8Array(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}
