import { gpa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import { type Json, type ProbeResult, probeArea } from '@sevlab/guest-kernel-sim/standalone';
import type { KernelCase, KernelThen } from '../case.ts';
import { secretAreaBytes } from '../secret-area.ts';

const DEFAULT_BASE = 0x300_0000n;
const DEFAULT_SIZE = 0x1_0000n;
const DEFAULT_LINUX = '6.1';
const DEBUG_LEVEL = '<7>';

/** Binds the emulated driver to a secret area. */
export function answerKernel({ given, when, then }: KernelCase): KernelThen {
  const result = probeArea({
    area: secretAreaBytes(given.area),
    base: gpa(BigInt(given.base ?? DEFAULT_BASE)),
    size: BigInt(given.size ?? DEFAULT_SIZE),
    profile: kernelProfile(given.linux ?? DEFAULT_LINUX),
    mode: 'bind',
    operations: when,
  });
  return kernelAnswer(result, (then.areaAfter ?? '').length / 2);
}

/**
 * What a case may ask, from the object that the emulated kernel and the test program under a real one both print.
 * `shown` is how many bytes of the area are wanted.
 */
export function kernelAnswer(result: ProbeResult, shown: number): KernelThen {
  const files = Array.isArray(result.dir) ? fileList(result.read) : null;
  return {
    errno: errnoOf(result.probe),
    dmesg: result.dmesg.filter((line) => !line.startsWith(DEBUG_LEVEL)),
    files,
    fileCount: files?.length ?? 0,
    operations: (result.ops ?? []).map(errnoOf),
    areaAfter: toHex(areaBytes(result.area_after, shown)),
  };
}

type Fields = Readonly<Record<string, Json | undefined>>;

const isFields = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && !Array.isArray(value);
const fieldsOf = (value: Json): Fields => (isFields(value) ? value : {});
const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : []);

function errnoOf(outcome: Json): string | null {
  const { err } = fieldsOf(outcome);
  return err === undefined ? null : String(err);
}

const fileList = (read: Json) =>
  listOf(read).map((file) => {
    const { n, hex, sha256 } = fieldsOf(file);
    return { name: String(n), data: String(hex ?? `sha256:${sha256}`) };
  });

/** The first `length` bytes out of runs of bytes that are not zero. */
function areaBytes(runs: Json, length: number): Uint8Array {
  const area = new Uint8Array(length);
  for (const run of listOf(runs)) {
    const [offset, hex] = listOf(run);
    const bytes = typeof hex === 'string' ? fromHex(hex) : new Uint8Array(0);
    const start = Number(offset);
    if (start < length) area.set(bytes.subarray(0, length - start), start);
  }
  return area;
}
