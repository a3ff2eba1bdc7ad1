import { gpa } from '@sevlab/codec/address';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid, SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import type { Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { hostFinds } from '@sevlab/lab/host-search';
import { SECRETS_FOLDER } from '@sevlab/lab/scenario/check';
import { cellsAt } from '@sevlab/lab/scenario/guest-cells';
import { type Bench, bytesOf, forkBench } from './bench.ts';
import { type Fixture, fixtureOf } from './fixture.ts';
import { type ShellAnswer, type ShellOptions, typeIn } from './shell.ts';

/** What lies in guest memory where a secret was put. */
export interface Remains {
  /** The name of the entry: zeros once the secret was deleted. */
  readonly guid: string;
  /** Its bytes as the guest sees them. */
  readonly data: Uint8Array;
}

/** A guest that was launched and booted. */
export interface LaunchedGuest extends Fixture {
  /** Types a command into the guest's shell. */
  run(command: string, options?: ShellOptions): ShellAnswer;
  /** The GUIDs of the secrets that the kernel shows: none where its driver found no table. */
  listSecrets(): readonly string[];
  /** Reads a secret as root. Throws an error with `code`, as node:fs does. */
  readSecret(guid: string): Uint8Array;
  /** What is left of a secret in guest memory. Throws RangeError when the guest never had it. */
  remainsOf(guid: string): Remains;
  /** The lines of the kernel log. */
  dmesg(): readonly string[];
  /** Whether the host, reading all touched DRAM, finds these bytes anywhere. */
  hostFinds(bytes: string | Uint8Array): boolean;
  /** What the host reads at a guest-physical address such as `0x810000`: ciphertext where the guest's memory is private. */
  hostReads(address: string, length: number): Uint8Array;
  /** An independent guest with the same past. */
  fork(): LaunchedGuest;
}

/** @internal The guest of a pipeline that has booted. */
export function guestOf(bench: Bench): LaunchedGuest {
  const kernel = (): Kernel => {
    const { kernel: booted } = bench.run.pipeline.progress;
    if (booted === undefined) throw new Error('the guest does not run');
    return booted;
  };
  const atBoot = readSecretTable(readArea(bench)).entries;
  return {
    ...fixtureOf(bench),
    run: (command, options) => typeIn(kernel(), command, options),
    listSecrets: () => {
      const { fs } = kernel();
      return fs.existsSync(SECRETS_FOLDER) ? fs.readdirSync(SECRETS_FOLDER).map(String) : [];
    },
    readSecret: (guid) => kernel().fs.readFileSync(`${SECRETS_FOLDER}/${guid.toLowerCase()}`) as Uint8Array, // no encoding was asked for
    remainsOf: (guid) => {
      const name = parseGuid(guid);
      const then = atBoot.find((entry) => entry.guid === name);
      if (then === undefined) throw new RangeError(`the guest never had a secret ${name}`);
      const now = readSecretTable(readArea(bench)).entries.find(({ offset }) => offset === then.offset);
      if (now === undefined) throw new RangeError(`there is no table any more in which secret ${name} was`);
      return { guid: now.guid, data: now.data };
    },
    dmesg: () => kernel().dmesg(),
    hostFinds: (bytes) => hostFinds(bench.run.pipeline.actors.machine.host, bytesOf(bytes)) !== undefined,
    hostReads: (address, length) =>
      bench.run.pipeline.actors.machine.host.memory.read(cellsAt(bench.run.pipeline, address), length),
    fork: () => guestOf(forkBench(bench)),
  };
}

/** The secret area as the guest sees it; empty when its image announces none. */
function readArea({ run }: Bench): Uint8Array {
  const { running } = run.pipeline.fork().progress; // looking is no part of the run
  const area = running && findArea(readGuidedTable(running.record.image), SEV_SECRET_BLOCK_GUID);
  if (running === undefined || area === undefined) return new Uint8Array();
  return running.resume(({ memory }) => memory.readPrivate(gpa(BigInt(area.base)), area.size));
}
