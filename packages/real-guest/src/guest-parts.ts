import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Files that build.sh made, and where they are. */
export interface GuestParts {
  /** A bzImage of Linux 6.1. */
  readonly kernel: string;
  /** Its efi_secret.ko. */
  readonly module: string;
  /** The guest's first program. */
  readonly init: string;
}

/** What each part is made from, as its build.sh hashes it. */
const SOURCES = {
  kernel: ['kernel/build.sh', 'kernel/linux.config'],
  guest: ['guest/build.sh', 'guest/init.c'],
} as const;

/** Where the command line's user keeps what can be made again (XDG base directory specification). */
function cacheFolder(): string {
  const { XDG_CACHE_HOME: given } = process.env;
  return join(given !== undefined && isAbsolute(given) ? given : join(homedir(), '.cache'), 'sevlab');
}

/**
 * The parts that were built from the sources in `folder`, the one of this package; undefined when one is not there,
 * because nothing was built yet, or something else.
 */
export function findGuestParts(folder: string): GuestParts | undefined {
  const built = (part: keyof typeof SOURCES): string => {
    const hash = createHash('sha256');
    for (const file of SOURCES[part]) hash.update(readFileSync(join(folder, file)));
    return join(cacheFolder(), `${part}-${hash.digest('hex').slice(0, 16)}`);
  };
  const parts = {
    kernel: join(built('kernel'), 'bzImage'),
    module: join(built('kernel'), 'efi_secret.ko'),
    init: join(built('guest'), 'init'),
  };
  return Object.values(parts).every((file) => existsSync(file)) ? parts : undefined;
}
