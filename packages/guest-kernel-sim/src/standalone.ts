import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import type { GuestContext } from '@sevlab/machine/machine';
import { mountSecurityFs, startKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { loadModule } from './modules.ts';
import { OperationRunner } from './operation-runner.ts';
import type { ReadFile } from './operation-words.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { type Json, nonZeroRuns } from './probe-json.ts';
import { MODULE, type OperationResult, type ParsedOperation, parseOperation } from './probe-operations.ts';
import type { KernelProfile } from './profile.ts';

export type { Json } from './probe-json.ts';

/** At most this many bytes of the area are shown afterwards. */
const AREA_AFTER_MAX = 0x30000;
/** No area has more bytes than this, as many as the arena; as many are cleared beforehand. */
const AREA_MAX = 0x20_0000n;
const PAGE = 4096n;

/** Reserved memory for areas: first byte and end. */
const RESERVED: readonly (readonly [bigint, bigint])[] = [
  [PLAIN_GUEST.area, PLAIN_GUEST.area + PAGE],
  [PLAIN_GUEST.arena, PLAIN_GUEST.arena + AREA_MAX],
];

export interface ProbeInput {
  readonly name?: string;
  /** What lies at the start of the secret area; zeros follow. */
  readonly area: Uint8Array;
  /** What the location structure says. */
  readonly base?: Gpa;
  readonly size?: bigint;
  /** Where the bytes are put, if not at `base`. */
  readonly at?: Gpa;
  readonly profile: KernelProfile;
  /** `load` inserts the module; `bind` writes to its bind file, which answers with the probe's own errno. */
  readonly mode: 'bind' | 'load';
  /** Operations after the first listing, such as `rm GUID`: see parseOperation(). */
  readonly operations: readonly string[];
  /** Where the operation `put` gets its bytes; without it there are no files. */
  readonly readFile?: ReadFile;
}

/** What a kernel did with a secret area: the same object as the test program under a real kernel prints. */
export interface ProbeResult {
  readonly name: string;
  /** Bytes of the given area. */
  readonly blob_len: number;
  /** How the driver came to the device; `err` is an errno's name. */
  readonly probe: Json;
  /** Lines of the driver, each with its level in front. */
  readonly dmesg: readonly string[];
  /** Listing of secrets/coco, or an errno's name. */
  readonly dir: Json;
  /** Each file's content. */
  readonly read: Json;
  readonly ops?: readonly OperationResult[];
  /** The unloading or unbinding at the end. */
  readonly down: OperationResult;
  /** Runs of memory that are not zero: offset in the area and hexadecimal bytes. */
  readonly area_after: Json;
}

/**
 * Boots a kernel on a guest with 128 MiB whose secret area holds the given bytes, and reports what it did. Throws
 * RangeError for an operation that cannot be, before anything runs, and for an area that has no room: reserved memory
 * holds 4096 bytes at 0x80c000 and 2 MiB at 0x3000000, and elsewhere there is as much as `size` says, up to 2 MiB.
 */
export function probeArea(input: ProbeInput): ProbeResult {
  const operations = input.operations.map((line) => parseOperation(line, input.readFile));
  expectRoom(input);
  const observer = createObserver({ machine: 'guest' });
  return runPlainGuest(observer, (context) => {
    clear(context, input);
    writePlainGuest(context.memory);
    const kernel = startKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: input.profile,
      observer,
    });
    mountSecurityFs(kernel);
    return new Probe(kernel, context).run(input, operations);
  });
}

function expectRoom({
  name = '',
  area,
  base = PLAIN_GUEST.area,
  size = PLAIN_GUEST.areaSize,
  at = base,
}: ProbeInput): void {
  const end = RESERVED.find(([start, stop]) => at >= start && at < stop)?.[1];
  const announced = size < AREA_MAX ? size : AREA_MAX;
  const room = end === undefined ? announced : end - at;
  if (BigInt(area.length) <= room) return;
  const expected = `expected at most ${room} bytes at ${hexAddress(at)}, got ${area.length}`;
  const arena = `at ${hexAddress(PLAIN_GUEST.arena)} there is room for ${AREA_MAX}`;
  throw new RangeError(`secret area${name && ` ${name}`}: ${expected}; ${arena}`);
}

/** Memory starts as zeros under the key, as it is without encryption: the area, and where its bytes are put. */
function clear(
  { memory }: GuestContext,
  { area, base = PLAIN_GUEST.area, size = PLAIN_GUEST.areaSize, at }: ProbeInput,
): void {
  memory.writePrivate(base, new Uint8Array(clearedLength({ area, size })));
  if (at !== undefined) memory.writePrivate(at, new Uint8Array(shownLength(area)));
}

/** How many bytes from the base on are cleared before the area is put there. */
export const clearedLength = ({
  area,
  size = PLAIN_GUEST.areaSize,
}: Pick<ProbeInput, 'area' | 'size'>): number =>
  Math.max(Number(size < AREA_MAX ? size : AREA_MAX), shownLength(area));

/** How many bytes are shown afterwards. */
export const shownLength = (area: Uint8Array): number =>
  Math.min(Math.max(area.length + 64, Number(PLAIN_GUEST.areaSize)), AREA_AFTER_MAX);

/** One run. */
class Probe {
  readonly #kernel: Kernel;
  readonly #context: GuestContext;
  readonly #runner: OperationRunner;

  constructor(kernel: Kernel, context: GuestContext) {
    this.#kernel = kernel;
    this.#context = context;
    this.#runner = new OperationRunner(kernel, context);
  }

  run(
    { name = '', area, base = PLAIN_GUEST.area, size = PLAIN_GUEST.areaSize, at = base, mode }: ProbeInput,
    operations: readonly ParsedOperation[],
  ): ProbeResult {
    const { memory } = this.#context;
    if (mode === 'bind') {
      this.#locate(gpa(0n), 0n);
      loadModule(this.#kernel, MODULE, { debug: true }); // its probe fails; the device stays free
      this.#runner.driverLines();
    }
    memory.writePrivate(at, area);
    this.#locate(base, size);
    const { op: via, k: dmesg = [], ...outcome } = this.#runner.run(parseOperation(mode));
    const { err: dirError, e: entries = [] } = this.#runner.run(parseOperation('ls'));
    const { f: read = [] } = this.#runner.run(parseOperation('readall'));
    const ops = operations.map((operation) => this.#runner.run(operation)).filter(({ op }) => op !== 'put');
    const down = this.#runner.run(parseOperation(mode === 'load' ? 'unload' : 'unbind'));
    return {
      name,
      blob_len: area.length,
      probe: { via, ...outcome },
      dmesg: Array.isArray(dmesg) ? dmesg.map(String) : [],
      dir: dirError ?? entries,
      read,
      ...(ops.length > 0 && { ops }),
      down,
      area_after: nonZeroRuns(memory.readPrivate(at, shownLength(area))),
    };
  }

  #locate(basePa: Gpa, size: bigint): void {
    const location = SecretLocation.encode({ basePa, size });
    this.#context.memory.writePrivate(PLAIN_GUEST.location, location);
  }
}
