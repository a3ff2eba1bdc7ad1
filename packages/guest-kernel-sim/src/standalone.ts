import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, hexAddress } from '@sevlab/codec/address';
import { SecretLocation } from '@sevlab/codec/efi/secret-location';
import type { GuestContext, GuestMemory } from '@sevlab/machine/machine';
import { startKernel } from './boot.ts';
import { EFI_SECRET_DEVICE } from './efi/coco.ts';
import { KernelError } from './errno.ts';
import { formatIomem } from './iomem.ts';
import type { Kernel } from './kernel.ts';
import { loadModule } from './modules.ts';
import { mountSecurityFs } from './mounted-securityfs.ts';
import { OperationRunner } from './operation-runner.ts';
import type { ReadFile } from './operation-words.ts';
import { PLAIN_GUEST, runPlainGuest, type TableFaults, writePlainGuest } from './plain-guest.ts';
import { LOG_LEVEL } from './printk.ts';
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
  /**
   * `load` inserts the module; `bind` writes to its bind file, which answers with the probe's own errno; `none` leaves
   * everything to the operations.
   */
  readonly mode: 'bind' | 'load' | 'none';
  /**
   * A boot of its own on these tables, with area and location in memory from the start. The result tells of the boot.
   * Not with `bind`, which looks at a location twice.
   */
  readonly tables?: TableFaults;
  /** Whether the driver is part of the kernel and no module. Default: false. */
  readonly builtIn?: boolean;
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
  /** Of a boot of its own. */
  readonly boot?: BootReport;
}

/** What a boot was like. */
export interface BootReport {
  /** Lines of the kernel about EFI, the memory map and mappings, over the whole run, each with its level in front. */
  readonly log: readonly string[];
  /** Whether the platform device is there. */
  readonly device: boolean;
  /** Lines of /proc/iomem about memory. */
  readonly iomem: readonly string[];
}

/** A line of the log that a BootReport has. */
export const isBootLine = (line: string): boolean => /^<\d>(efi: |BIOS-e820: |ioremap[: ])/.test(line);

/** What e820 says, and no device and no part of the kernel: those have other names, or stand inside such a line. */
export const isMemoryLine = (line: string): boolean =>
  /^[0-9a-f]+-[0-9a-f]+ : (System RAM|Reserved|ACPI Tables|ACPI Non-volatile Storage)$/.test(line);

/**
 * Boots a kernel on a guest with 128 MiB whose secret area holds the given bytes, and reports what it did. Throws
 * RangeError for an operation that cannot be, before anything runs, and for an area that has no room: reserved memory
 * holds 4096 bytes at 0x80c000 and 2 MiB at 0x3000000, and elsewhere there is as much as `size` says, up to 2 MiB.
 */
export function probeArea(input: ProbeInput): ProbeResult {
  const operations = input.operations.map((line) => parseOperation(line, input.readFile));
  expectRoom(input);
  const observer = createObserver({ machine: 'guest' });
  const probe = (context: GuestContext): ProbeResult => {
    if (input.tables === undefined) writePlainGuest(context.memory);
    else writeTables(context.memory, { ...input, tables: input.tables });
    const kernel = startKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: input.profile,
      builtIn: input.builtIn ?? false,
      observer,
    });
    mountSecurityFs(kernel);
    return new Probe(kernel, context).run(input, operations);
  };
  return runPlainGuest(observer, probe, { encryption: 'identity' });
}

/** The memory of a guest on tables of its own, before its kernel starts: area and location are there already. */
export function writeTables(
  memory: Pick<GuestMemory, 'writePrivate'>,
  {
    area,
    base = PLAIN_GUEST.area,
    size = PLAIN_GUEST.areaSize,
    at = base,
    tables,
  }: Omit<ProbeInput, 'profile'> & { readonly tables: TableFaults },
): void {
  const location = SecretLocation.encode({ basePa: base, size });
  const bytes = [{ at: PLAIN_GUEST.location, bytes: location }, { at, bytes: area }, ...(tables.bytes ?? [])];
  writePlainGuest(memory, { ...tables, bytes });
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
    {
      name = '',
      area,
      base = PLAIN_GUEST.area,
      size = PLAIN_GUEST.areaSize,
      at = base,
      mode,
      tables,
    }: ProbeInput,
    operations: readonly ParsedOperation[],
  ): ProbeResult {
    const { memory } = this.#context;
    const perform = (line: string) => this.#runner.run(parseOperation(line));
    if (mode === 'bind') {
      this.#locate(gpa(0n), 0n);
      this.#loadWithoutBinding();
      this.#runner.driverLines();
    }
    if (tables === undefined) {
      memory.writePrivate(at, area);
      this.#locate(base, size);
    }
    const { op: via, k: dmesg = [], ...outcome } = mode === 'none' ? { op: mode } : perform(mode);
    const { err: dirError, e: entries = [] } = perform('ls');
    const { f: read = [] } = perform('readall');
    const ops = operations.map((operation) => this.#runner.run(operation)).filter(({ op }) => op !== 'put');
    const down = perform(mode === 'bind' ? 'unbind' : 'unload');
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
      ...(tables !== undefined && { boot: bootReport(this.#kernel) }),
    };
  }

  /** Loads the module, whose probe fails: the device stays free. A kernel that has no such module goes without. */
  #loadWithoutBinding(): void {
    try {
      loadModule(this.#kernel, MODULE, { debug: true });
    } catch (error) {
      if (!(error instanceof KernelError) || error.code !== 'ENOENT') throw error;
    }
  }

  #locate(basePa: Gpa, size: bigint): void {
    const location = SecretLocation.encode({ basePa, size });
    this.#context.memory.writePrivate(PLAIN_GUEST.location, location);
  }
}

const bootReport = ({ state }: Kernel): BootReport => ({
  log: state.log.map(({ level, text }) => `<${LOG_LEVEL[level]}>${text}`).filter(isBootLine),
  device: state.devices.has(EFI_SECRET_DEVICE),
  iomem: formatIomem(state.iomem, true).split('\n').filter(isMemoryLine),
});
