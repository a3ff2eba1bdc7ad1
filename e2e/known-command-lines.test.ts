import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64 } from '@sevlab/codec/bytes';
import { afterAll, describe, expect, it } from 'vitest';
import described from '../packages/sev-channel/test/vectors/described-launches.json' with { type: 'json' };
import validated from '../packages/sev-channel/test/vectors/virt-qemu-sev-validate.json' with {
  type: 'json',
};
import { typeIn } from './test/command-line.ts';
import vectors from './test/vectors/virt-qemu-sev-validate-lines.json' with { type: 'json' };

const base = mkdtempSync(join(tmpdir(), 'sevlab-lines-'));
afterAll(() => rmSync(base, { recursive: true }));

/** As in the file: arguments that name files, and what is in these. */
interface Line {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly exit: number;
  readonly launch_digest: string;
  readonly files: Readonly<Record<string, string | Reference | undefined>>;
  readonly iv?: string;
  readonly header?: string;
  readonly payload?: string;
  readonly payload_sha256?: string;
}
interface Reference {
  readonly firmware?: string;
  readonly blob?: string;
  readonly vmsa?: string;
  readonly short?: boolean;
}
const lines: readonly Line[] = vectors.cases;

/** Where we end with something else, on purpose. */
const OTHERWISE: Readonly<Record<string, readonly [exit: number, why: string]>> = {
  'es-vmsa-1cpu-crashes': [0, 'it ends with an exception where one vCPU has its VMSA from a file'],
  'firmware-missing': [
    2,
    'it ends with an exception for a file that is not there; its manual calls 6 a fault of its own',
  ],
  'secret-more-than-16k': [4, 'KVM passes on 16384 bytes at most; --ignore-config makes the packet'],
};

/** Refused before the firmware is looked at; with a digest in its place nobody would ask for vCPUs. */
const REFUSED_FOR_VCPUS = /^usage-(es|both|vmsa)-/;

const pages = validated.cases.find(({ name }) => name === 'es-vmsa-2cpu')!;
const tableOf = (table: Record<string, string>, name: string): string => table[name]!;

function contentOf(file: string | Reference): Uint8Array {
  if (typeof file === 'string') return fromBase64(file);
  if (file.firmware !== undefined) return fromBase64(tableOf(described.firmwares, file.firmware));
  if (file.blob !== undefined) return fromBase64(tableOf(described.blobs, file.blob));
  if (file.short) return new Uint8Array(4095);
  return fromBase64(file.vmsa === 'boot' ? pages.vmsa0_base64! : pages.vmsa1_base64!);
}

/** The line in a folder that has its files; the digest stands for firmware that is not kept. */
function prepare(line: Line): { folder: string; typed: string[] } {
  const folder = join(base, line.name);
  mkdirSync(folder);
  for (const [name, file] of Object.entries(line.files))
    if (file !== undefined) writeFileSync(join(folder, name), contentOf(file));
  const typed = [...line.arguments];
  const at = typed.indexOf('--firmware') + 1;
  const image = typed[at]!;
  if (line.name !== 'firmware-missing' && line.files[image] === undefined) {
    if (REFUSED_FOR_VCPUS.test(line.name)) writeFileSync(join(folder, image), new Uint8Array(4096));
    else typed.splice(at - 1, 2, '--digest', `hex:${line.launch_digest}`);
  } else if (line.name === 'firmware-missing') typed.splice(at - 1, 2);
  return { folder, typed };
}

describe("virt-qemu-sev-validate's command lines, typed to sevlab", () => {
  it('are all here', () => {
    expect(lines).toHaveLength(54);
    expect(new Set(lines.map(({ exit }) => exit))).toEqual(new Set([0, 1, 2, 6]));
    expect(Object.keys(OTHERWISE).filter((name) => !lines.some((line) => line.name === name))).toEqual([]);
  });

  it.each(lines)('$name: exit $exit', (line) => {
    const { folder, typed } = prepare(line);
    const injects = typed.includes('--inject-secret');
    const same = line.iv === undefined ? [] : ['--iv', `hex:${line.iv}`, '--tail', 'virt-qemu-sev-validate'];
    const { status, stdout, stderr } = typeIn(
      folder,
      'owner',
      injects ? 'secret' : 'measure',
      ...typed,
      ...same,
    );
    const [exit] = OTHERWISE[line.name] ?? [line.exit];
    expect({ status, stderr }).toMatchObject({ status: exit });
    expect(stdout === '').toBe(exit !== 0 || typed.includes('--quiet'));
    if (exit !== 0) expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    const [header, payload] = ['--secret-header', '--secret-payload'].map((option) => {
      const at = typed.indexOf(option);
      return at === -1 ? undefined : join(folder, typed[at + 1]!);
    });
    if (exit !== 0) {
      for (const path of [header, payload]) expect(path !== undefined && existsSync(path)).toBe(false);
      return;
    }
    if (line.iv === undefined) return;
    expect(readFileSync(header!, 'latin1')).toBe(line.header);
    expectPayload(line, readFileSync(payload!, 'latin1'));
  });

  it('the packet that is longer than KVM takes, to the byte all the same', () => {
    const line = { ...lines.find(({ name }) => name === 'secret-more-than-16k')!, name: 'ignored' };
    const { folder, typed } = prepare(line);
    const same = ['--iv', `hex:${line.iv}`, '--tail', 'virt-qemu-sev-validate', '--ignore-config'];
    expect(typeIn(folder, 'owner', 'secret', ...typed, ...same).status).toBe(0);
    expect(readFileSync(join(folder, 'secret-more-than-16k.hdr'), 'latin1')).toBe(line.header);
    expectPayload(line, readFileSync(join(folder, 'secret-more-than-16k.bin'), 'latin1'));
  });
});

function expectPayload(line: Line, text: string): void {
  if (line.payload !== undefined) expect(text).toBe(line.payload);
  else expect(createHash('sha256').update(text).digest('hex')).toBe(line.payload_sha256);
}
