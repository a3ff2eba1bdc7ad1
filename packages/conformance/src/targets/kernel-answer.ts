import { fromHex, toHex } from '@sevlab/codec/bytes';
import type { Json, ProbeResult } from '@sevlab/guest-kernel-sim/standalone';
import type { KernelThen, OperationThen } from '../case.ts';

const DEBUG_LEVEL = '<7>';

/** What a case asks, from the object that the emulated kernel and the test program under a real one both print. */
export function kernelAnswer(result: ProbeResult, then: KernelThen): KernelThen {
  const files = Array.isArray(result.dir) ? fileList(result.read) : null;
  const isDebug = (line: string): boolean => line.startsWith(DEBUG_LEVEL);
  return {
    errno: errnoOf(result.probe),
    bound: fieldsOf(result.probe).bound === true,
    dmesg: result.dmesg.filter((line) => !isDebug(line)),
    debug: result.dmesg.filter(isDebug),
    files,
    fileCount: files?.length ?? 0,
    operations: (result.ops ?? []).map((answer, i) => operationAnswer(answer, then.operations?.[i])),
    areaAfter: toHex(areaBytes(result.area_after, (then.areaAfter ?? '').length / 2)),
    ...bootAnswer(result),
  };
}

/** In as much detail as the case wants. */
const operationAnswer = (
  answer: Json,
  wanted: string | null | OperationThen | undefined,
): string | null | OperationThen =>
  typeof wanted === 'object' && wanted !== null
    ? ({ k: [], ...fieldsOf(answer) } as OperationThen) // keys that nobody wants are not compared
    : errnoOf(answer);

function bootAnswer({ boot }: ProbeResult): Partial<KernelThen> {
  if (boot === undefined) return {};
  const lines = (prefix: RegExp): string[] => boot.log.filter((line) => prefix.test(line.slice(3)));
  return {
    efi: lines(/^efi: /),
    e820: lines(/^BIOS-e820: /),
    ioremap: lines(/^ioremap/),
    device: boot.device,
    iomem: boot.iomem,
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
