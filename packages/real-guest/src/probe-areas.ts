import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '@sevlab/codec/bytes';
import { PLAIN_GUEST } from '@sevlab/guest-kernel-sim/plain-guest';
import { contentJson, type Json, RUN_MAX } from '@sevlab/guest-kernel-sim/probe-json';
import type { OperationResult } from '@sevlab/guest-kernel-sim/probe-operations';
import {
  type BootReport,
  clearedLength,
  isBootLine,
  isMemoryLine,
  type ProbeInput,
  type ProbeResult,
  shownLength,
  writeTables,
} from '@sevlab/guest-kernel-sim/standalone';
import { type GuestAnswer, initrdFor, readAnswers } from './first-program.ts';
import type { GuestParts } from './guest-parts.ts';
import type { InitrdFile } from './initrd.ts';
import { PlainMachine } from './plain-machine.ts';
import { runMachine, usableAccelerator } from './qemu.ts';

/** What a real kernel is asked: it has a version of its own. */
export type RealProbe = Omit<ProbeInput, 'profile'>;

/** The guest did not come to an end, or not to the end of its script. */
export class GuestDied extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GuestDied';
  }
}

/** How much goes into one boot: answers have 16 MiB, in which an area comes several times in hexadecimal. */
const BOOT = { probes: 3000, bytes: 1_000_000 } as const;
/** A boot with many probes may take minutes; one that does not come to its first program is stopped sooner. */
const SECONDS = { many: 300, tables: 60 } as const;

/**
 * Lets a real kernel look at secret areas, as probeArea lets the emulated one: the same objects come back, in the same
 * order. Many share a boot. One that leaves something behind has a boot of its own: an open file, or memory in use;
 * and one with tables of its own. Throws GuestDied, and the errors of node:fs and of starting QEMU.
 */
export async function probeForReal(probes: readonly RealProbe[], parts: GuestParts): Promise<ProbeResult[]> {
  const results: (ProbeResult | undefined)[] = probes.map(() => undefined);
  for (const boot of bootsFor(probes)) {
    const { start, cases } = await run(
      boot.map(({ probe }) => probe),
      parts,
    );
    for (const [i, { index, probe }] of boot.entries()) {
      const answers = cases[i] ?? [];
      const report = probe.tables && { boot: reportOf(start, answers) };
      results[index] = { ...resultOf(probe, answers), ...report };
    }
  }
  return results.map((result) => result!); // each is in one of the boots
}

/** What a real kernel calls itself, such as 6.1.192. Throws as probeForReal does. */
export async function kernelRelease(parts: GuestParts): Promise<string> {
  const { start } = await run([], parts);
  return String(start.release);
}

/** The boot, as its answers tell of it. */
function reportOf(start: GuestAnswer, answers: readonly GuestAnswer[]): BootReport {
  const lines = [start, ...answers].flatMap(({ k }) => (Array.isArray(k) ? k.map(String) : []));
  const { modalias, iomem } = start;
  return {
    log: lines.filter(isBootLine),
    device: modalias !== undefined,
    iomem: String(iomem).split('\n').filter(isMemoryLine),
  };
}

interface Indexed {
  readonly index: number;
  readonly probe: RealProbe;
}

/** One mode a boot, since the module is loaded all the time in one of them. */
function bootsFor(probes: readonly RealProbe[]): Indexed[][] {
  const boots: Indexed[][] = [];
  for (const mode of ['bind', 'load', 'none'] as const) {
    let open: Indexed[] | undefined;
    let bytes = 0;
    for (const [index, probe] of probes.entries()) {
      if (probe.mode !== mode) continue;
      const size = probe.area.length;
      if (needsOwnBoot(probe)) {
        boots.push([{ index, probe }]);
        continue;
      }
      if (open === undefined || open.length === BOOT.probes || bytes + size > BOOT.bytes) {
        open = [];
        bytes = 0;
        boots.push(open);
      }
      open.push({ index, probe });
      bytes += size;
    }
  }
  return boots;
}

function needsOwnBoot({ operations, base = PLAIN_GUEST.area, at = base, tables }: RealProbe): boolean {
  const opened = operations.filter((line) => /^\s*open\s/.test(line)).length;
  const closed = operations.filter((line) => /^\s*fdclose\s/.test(line)).length;
  // a driver that goes while a file is open leaves its directory behind for good
  const leaves = opened > 0 && operations.some((line) => /^\s*(unbind|unload)\s*$/.test(line));
  const unmounts = operations.some((line) => /^\s*umount\s*$/.test(line));
  return (
    tables !== undefined || leaves || unmounts || opened > closed || !isReserved(base) || !isReserved(at)
  );
}

const PAGE = 4096n;
const ARENA_SIZE = 0x20_0000n;
const isReserved = (address: bigint): boolean =>
  (address >= PLAIN_GUEST.area && address < PLAIN_GUEST.area + PAGE) ||
  (address >= PLAIN_GUEST.arena && address < PLAIN_GUEST.arena + ARENA_SIZE);

/** The answer to `boot`, and the answers to each probe; all are of one mode. */
async function run(
  probes: readonly RealProbe[],
  parts: GuestParts,
): Promise<{ start: GuestAnswer; cases: GuestAnswer[][] }> {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-probe-'));
  try {
    const areas = probes.map(
      ({ area }, i): InitrdFile => ({ path: `areas/${i}`, kind: 'file', content: area, mode: 0o644 }),
    );
    const [first] = probes;
    const operations = [
      ...(first?.mode === 'bind' ? ['loc 0 0', 'load'] : []), // its probe fails; the device stays free
      ...probes.flatMap((probe, i) => [`case ${i}`, ...scriptOf(probe, `/areas/${i}`)]),
      'case end',
    ];
    const initrd = initrdFor(
      parts,
      ['boot', ...operations],
      [{ path: 'areas', kind: 'folder' }, ...areas, ...filesToPut(probes)],
    );
    const { tables } = first ?? {};
    const machine = new PlainMachine(
      { memory: join(folder, 'ram'), firmware: join(folder, 'firmware') },
      parts.kernel,
      initrd,
      first &&
        tables && {
          writeGuest: (memory) => writeTables(memory, { ...first, tables }),
          commandLine: tables.commandLine,
        },
    );
    const consoleFile = join(folder, 'console');
    writeFileSync(consoleFile, '');
    const { memorySize, memoryFile, firmwareFile } = machine;
    const { status, stderr } = await runMachine(
      { accelerator: usableAccelerator(), memorySize, memoryFile, firmwareFile, serialFiles: [consoleFile] },
      tables === undefined ? SECONDS.many : SECONDS.tables,
    );
    const answers = readAnswers(machine.answers());
    const [start] = answers;
    const last = answers.at(-1);
    if (start === undefined || last?.op !== 'case' || last.arg !== 'end') {
      const words = readFileSync(consoleFile, 'latin1').trim().split('\n').slice(-3).join(' / ');
      const after = `behind ${last?.op ?? 'nothing'} ${last?.arg ?? ''}`;
      throw new GuestDied(`the real guest ended ${after} (status ${status}): ${words} ${stderr.trim()}`);
    }
    return { start, cases: byCase(answers) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the operation `put` takes its bytes from, in the folders that the paths name. */
function filesToPut(probes: readonly RealProbe[]): InitrdFile[] {
  const files = new Map<string, InitrdFile>();
  for (const { operations, readFile } of probes) {
    for (const line of operations) {
      const [op, , path = ''] = line.trim().split(/\s+/);
      const content = op === 'put' ? readFile?.(path) : undefined;
      if (content === undefined) continue;
      const names = path.split('/').filter((name) => name !== '');
      for (const [i] of names.slice(1).entries()) {
        const folder = names.slice(0, i + 1).join('/');
        files.set(folder, { path: folder, kind: 'folder' });
      }
      files.set(names.join('/'), { path: names.join('/'), kind: 'file', content, mode: 0o644 });
    }
  }
  return [...files.values()];
}

function scriptOf(probe: RealProbe, file: string): string[] {
  const { area, base = PLAIN_GUEST.area, size = PLAIN_GUEST.areaSize, at = base, mode, operations } = probe;
  const place = [
    `zero ${base} ${clearedLength(probe)}`,
    ...(at === base ? [] : [`zero ${at} ${shownLength(area)}`]),
    `put ${at} ${file}`,
    `loc ${base} ${size}`,
  ];
  return [
    ...(probe.tables === undefined ? place : []),
    ...(mode === 'none' ? [] : [mode]),
    'ls',
    'readall',
    ...operations,
    mode === 'bind' ? 'unbind' : 'unload',
    `mem ${at} ${shownLength(area)}`,
  ];
}

function byCase(answers: readonly GuestAnswer[]): GuestAnswer[][] {
  const cases: GuestAnswer[][] = [];
  for (const answer of answers) {
    if (answer.op === 'case') cases.push([]);
    else cases.at(-1)?.push(answer);
  }
  return cases;
}

const SETUP: ReadonlySet<string> = new Set(['zero', 'put', 'loc']);

/** The object that probeArea gives, but for what is told of a boot. */
function resultOf({ name = '', area, mode }: RealProbe, answers: readonly GuestAnswer[]): ProbeResult {
  const setUp = answers.findIndex(({ op }) => !SETUP.has(op));
  const told = answers.slice(setUp).map(toResult);
  const [probe, ls, readall, ...rest] = mode === 'none' ? [{ op: mode }, ...told] : told;
  const [down, memory] = rest.slice(-2);
  if (!probe || !ls || !readall || !down || !memory || setUp < 0)
    throw new GuestDied(`the real guest did not answer to everything of ${name || 'a probe'}`);
  // where there is no memory, nothing is cleared, and nothing need be
  const failed = answers.slice(0, setUp).find(({ op, err }) => op !== 'zero' && err !== undefined);
  if (failed) throw new GuestDied(`${name}: ${failed.op}: ${failed.err}`);
  const { op: via, k: dmesg = [], ...outcome }: OperationResult = probe;
  const { err: dirError, e: entries = [] } = ls;
  const ops = rest.slice(0, -2).filter(({ op }) => op !== 'put');
  return {
    name,
    blob_len: area.length,
    probe: { via, ...outcome },
    dmesg: Array.isArray(dmesg) ? dmesg.map(String) : [],
    dir: dirError ?? entries,
    read: readall.f ?? [],
    ...(ops.length > 0 && { ops }),
    down,
    area_after: memory.runs ?? [],
  };
}

/** An answer as the emulator has it: the driver's own lines alone, and long contents by their digest. */
function toResult({ k, ...answer }: GuestAnswer): OperationResult {
  const lines = (Array.isArray(k) ? k.map(String) : []).filter((line) =>
    /^<\d>efi_secret( efi_secret\.0)?:/.test(line),
  );
  const short = shorten(answer as Json) as OperationResult; // it goes in as one and comes out as one
  return lines.length > 0 ? { ...short, k: lines } : short;
}

function shorten(value: Json): Json {
  if (Array.isArray(value)) {
    const [offset, hex] = value;
    const isRun = value.length === 2 && typeof offset === 'number' && typeof hex === 'string';
    if (isRun && hex.length / 2 > RUN_MAX) return [offset, { bytes: hex.length / 2 }];
    return value.map(shorten);
  }
  if (typeof value !== 'object') return value;
  const fields = Object.entries(value).map(([key, field]) => [key, shorten(field as Json)]);
  const { hex, ...rest } = Object.fromEntries(fields);
  return typeof hex === 'string' ? { ...rest, ...contentJson(fromHex(hex)) } : Object.fromEntries(fields);
}
