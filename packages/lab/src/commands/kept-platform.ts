import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { seededEntropy, systemEntropy } from '@sevlab/ambient/entropy';
import { equal } from '@sevlab/codec/bytes';
import { CommandFailed } from '@sevlab/vmm-sim/errors';
import { chipFuses, type EntropySource } from '../emulated-platform.ts';
import { PlatformStore, StoreDamaged } from '../platform-store.ts';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';

/** Where a platform is kept, in the words of the help. */
export const DEFAULT_STORE = '$XDG_STATE_HOME/sevlab/platform, or ~/.local/state/sevlab/platform';

/** The XDG base directory specification ignores a relative folder. */
export function storeAt(folder: string | undefined): PlatformStore {
  const { XDG_STATE_HOME: given } = process.env;
  const state = given !== undefined && isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return new PlatformStore(folder ?? join(state, 'sevlab', 'platform'));
}

/** Without a seed the system's. */
export const entropySource =
  (seed: string | undefined): EntropySource =>
  (actor) =>
    seed === undefined ? systemEntropy(actor) : seededEntropy(seed, actor);

/** Throws CommandError when the store holds a chip that another seed made. */
export function expectChipOf(store: PlatformStore, seed: string | undefined): void {
  const fuses = store.loadFuses();
  if (seed === undefined || fuses === undefined || equal(fuses, chipFuses(entropySource(seed)))) return;
  throw new CommandError(
    EXIT.usage,
    `--seed: expected the one that made the platform in ${store.folder}, got another; try another --store`,
  );
}

/** What goes wrong with the store or with the platform in it, told to the person. Throws CommandError. */
export function withStore<T>(store: PlatformStore, use: () => T): T {
  const remedy = 'try sevlab platform reset, which makes way for a new identity, or another --store';
  try {
    return use();
  } catch (error) {
    if (error instanceof StoreDamaged) {
      const mends = error.path === store.areaFile;
      throw new CommandError(EXIT.state, `${error.message}; ${mends ? remedy : 'try another --store'}`);
    }
    if (error instanceof CommandFailed) {
      throw new CommandError(EXIT.state, `${store.areaFile}: ${error.message}; ${remedy}`);
    }
    if (error instanceof Error && 'syscall' in error) {
      throw new CommandError(
        EXIT.usage,
        `${store.folder}: ${systemReason(error)}; expected a folder that can be written`,
      );
    }
    throw error;
  }
}
