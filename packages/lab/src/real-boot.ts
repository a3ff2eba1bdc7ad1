import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Gpa, gpa } from '@sevlab/codec/address';
import { concat, toHex } from '@sevlab/codec/bytes';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { EFI_SECRET_DEVICE } from '@sevlab/guest-kernel-sim/efi/coco';
import { formatIomem } from '@sevlab/guest-kernel-sim/iomem';
import { OperationRunner } from '@sevlab/guest-kernel-sim/operation-runner';
import { LOG_LEVEL } from '@sevlab/guest-kernel-sim/printk';
import { MODULE, parseOperation } from '@sevlab/guest-kernel-sim/probe-operations';
import { isMemoryLine } from '@sevlab/guest-kernel-sim/standalone';
import { type GuestAnswer, readAnswers } from '@sevlab/real-guest/first-program';
import { GuestMemoryFile } from '@sevlab/real-guest/guest-memory-file';
import { type Accelerator, runMachine } from '@sevlab/real-guest/qemu';
import { FOUR_GIB, ramRegions } from '@sevlab/vmm-sim/ram-regions';
import type { Pipeline } from './pipeline.ts';

/** QEMU takes firmware in units of 64 KiB. */
const BIOS_UNIT = 0x1_0000;

/** What a real kernel did on memory that the emulator prepared. */
export interface RealBoot {
  readonly accelerator: Accelerator;
  /** QEMU's exit status; undefined when it took too long and was stopped. */
  readonly status: number | undefined;
  /** What QEMU complained of. */
  readonly stderr: string;
  /** The first serial port. */
  readonly console: string;
  /** The second one: what our first program answered, if it ran. */
  readonly answers: readonly GuestAnswer[];
  /** What RAM holds where the secret table was injected, before and after the kernel ran. */
  readonly areaBefore: Uint8Array;
  readonly areaAfter: Uint8Array;
}

/**
 * Lets a real processor go on where the simulated firmware handed over: the guest's memory, as the guest sees it, becomes
 * the RAM of a QEMU machine, and its image the firmware. The pipeline stays as it is. Throws the errors of node:fs and
 * of starting QEMU.
 */
export async function bootForReal(
  pipeline: Pipeline,
  { accelerator, seconds }: { readonly accelerator: Accelerator; readonly seconds: number },
): Promise<RealBoot> {
  const folder = mkdtempSync(join(tmpdir(), 'sevlab-boot-'));
  try {
    const { memorySize } = pipeline.setup;
    const memory = new GuestMemoryFile(join(folder, 'ram'), ramRegions(memorySize));
    memory.create();
    const firmwareFile = join(folder, 'firmware');
    writeGuest(pipeline.fork(), memory, firmwareFile); // looking is no part of the run
    const { at, length } = injected(pipeline);
    const areaBefore = memory.read(at, length);
    const serialFiles = ['console', 'answers'].map((name) => join(folder, name));
    for (const file of serialFiles) writeFileSync(file, '');
    const machine = { accelerator, memorySize, memoryFile: memory.path, firmwareFile, serialFiles };
    const { status, stderr } = await runMachine(machine, seconds);
    const [console = '', answers = ''] = serialFiles.map((file) => readFileSync(file, 'latin1'));
    return {
      ...{ accelerator, status, stderr, console, areaBefore },
      answers: readAnswers(answers),
      areaAfter: memory.read(at, length),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the packet was injected, and its length in bytes; no bytes where the image has no secret area. */
function injected({ setup, progress }: Pipeline): { at: Gpa; length: number } {
  const area = findArea(readGuidedTable(setup.image), SEV_SECRET_BLOCK_GUID);
  return { at: gpa(BigInt(area?.base ?? 0)), length: area ? (progress.packet?.data.length ?? 0) : 0 };
}

/** RAM, and the image as the guest sees it: what the host would have in its file may be another. */
function writeGuest(pipeline: Pipeline, memory: GuestMemoryFile, firmwareFile: string): void {
  const { running } = pipeline.progress;
  if (running === undefined) throw new Error('the guest does not run yet');
  running.resume((context) => {
    const { length } = running.record.image;
    const image = context.memory.readPrivate(gpa(FOUR_GIB - BigInt(length)), length);
    const missing = (BIOS_UNIT - (length % BIOS_UNIT)) % BIOS_UNIT;
    writeFileSync(firmwareFile, concat(new Uint8Array(missing), image));
    memory.writeAll(pipeline.actors.machine.host, running.record.guest, context);
  });
}

/** What the emulated kernel does on the same memory. */
export interface EmulatedBoot {
  readonly answers: readonly GuestAnswer[];
  readonly areaAfter: Uint8Array;
}

/** Operations of the first program that are this boot itself: an emulated kernel does them before anybody asks. */
export const BOOT_OPERATIONS = ['boot', 'autoload'] as const;

/** Boots the emulated kernel on the same memory and performs the same operations. The pipeline stays as it is. */
export function bootEmulated(pipeline: Pipeline, operations: readonly string[]): EmulatedBoot {
  const watched = pipeline.fork();
  const kernel = watched.boot();
  const { log, modules, devices, iomem } = kernel.state;
  const lines = log.map(({ level, text }) => `<${LOG_LEVEL[level]}>${text}`);
  return watched.progress.running!.resume((context) => {
    const runner = new OperationRunner(kernel, context);
    const { at, length } = injected(pipeline);
    return {
      answers: [
        { op: 'boot', iomem: formatIomem(iomem, true), k: lines.filter(isEfiLine) },
        {
          op: 'autoload',
          loaded: modules.has(MODULE),
          bound: devices.get(EFI_SECRET_DEVICE)?.driver !== undefined,
          k: lines.filter(isDriverLine),
        },
        ...operations.map((line) => runner.run(parseOperation(line))),
      ],
      areaAfter: context.memory.readPrivate(at, length),
    };
  });
}

const isEfiLine = (line: string): boolean => /^<\d>efi: /.test(line);
const isDriverLine = (line: string): boolean => /^<\d>efi_secret( efi_secret\.0)?:/.test(line);

/** What of a real answer the emulated kernel must equal: the kernel's own lines are more than it has. */
export function comparable({
  op,
  rc,
  release,
  cmdline,
  modalias,
  iomem,
  ...answer
}: GuestAnswer): GuestAnswer {
  const all = Array.isArray(answer.k) ? answer.k.map(String) : [];
  const k = all.filter(op === 'boot' ? isEfiLine : isDriverLine);
  const isBoot = (BOOT_OPERATIONS as readonly string[]).includes(op);
  const memory = typeof iomem === 'string' && { iomem: iomem.split('\n').filter(isMemoryLine) };
  return { op, ...(!isBoot && { rc }), ...memory, ...answer, k };
}

/** An operation that the two kernels did not answer alike. */
export interface Difference {
  readonly operation: string;
  readonly real: unknown;
  readonly emulated: unknown;
}

/** Where the emulated kernel did otherwise than the real one. */
export function differencesOf(real: RealBoot, emulated: EmulatedBoot): Difference[] {
  const count = Math.max(real.answers.length, emulated.answers.length);
  const answers = Array.from({ length: count }, (_, i) => {
    const [ours, theirs] = [emulated.answers[i], real.answers[i]].map(
      (answer) => answer && comparable(answer),
    );
    return { operation: operationName(theirs ?? ours), real: theirs ?? null, emulated: ours ?? null };
  });
  const area = {
    operation: 'secret area afterwards',
    real: toHex(real.areaAfter),
    emulated: toHex(emulated.areaAfter),
  };
  return [...answers, area].filter((pair) => !isDeepStrictEqual(pair.real, pair.emulated));
}

/** An operation as it was asked for. */
export const operationName = (answer: GuestAnswer | undefined): string =>
  [answer?.op, answer?.arg].filter((word) => word !== undefined).join(' ');
