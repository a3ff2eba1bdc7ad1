import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '@sevlab/codec/bytes';
import { buildImage, type ImageOptions } from '@sevlab/firmware-sim/image';
import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import recordings from '../../../codec/test/vectors/ovmf/guid-tables.json' with { type: 'json' };
import scenarioSchema from '../../scenario.schema.json' with { type: 'json' };
import { CommandError, EXIT } from './exit.ts';
import { addFirmware } from './firmware.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-firmware-'));
let files = 0;
const file = (content: Uint8Array): string => {
  const path = join(folder, `${files++}.fd`);
  writeFileSync(path, content);
  return path;
};
const built = (options: Partial<ImageOptions> = {}): string =>
  file(buildImage({ layout: '202405', size: 8192, ...options }));

/** The end of OVMF.amdsev.fd 2026.08, without what its offsets point to. */
function amdSev(): string {
  const recorded = recordings.find((each) => each.file.endsWith('OVMF.amdsev.fd'));
  const image = new Uint8Array(8192);
  const table = fromHex(recorded?.table_hex ?? '');
  image.set(table, image.length - 32 - table.length);
  return file(image);
}

afterEach(() => vi.restoreAllMocks());

/** What `sevlab firmware inspect` prints, and what it refuses with. */
function inspect(...words: string[]): { text: string; error?: CommandError } {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  const program = new Command().exitOverride();
  addFirmware(program);
  try {
    program.parse(['firmware', 'inspect', ...words], { from: 'user' });
  } catch (error) {
    if (error instanceof CommandError) return { text, error };
    throw error;
  }
  return { text };
}

describe('sevlab firmware inspect', () => {
  it('tells each entry with its offset, what it points to, and both areas', () => {
    const { text, error } = inspect(built());
    expect(error).toBeUndefined();
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^8192 bytes; launch digest [0-9a-f]{64} \(plain SEV, the image alone\)$/),
        'GUIDed table of 136 bytes at offset 0x1f58',
        '  0x1fa2  00f771de-1a7e-4fcb-890e-68c77e2fb44e  SEV-ES reset block: 04b08000',
        '  0x1f88  4c2eb361-7d9b-4cc3-8081-127c90d3d294  SEV secret block: 00008100000c0000',
        '    section of type 16: 0x810000, 4096 bytes',
        'secret area: 0x810000, 3072 bytes',
        'hashes area: 0x810c00, 1024 bytes',
        'built by sevlab, layout 202405',
        'SecretPei, which reserves the secret area: there; SecretDxe, which tells the kernel: there',
      ]),
    );
  });

  it('cannot tell of an image that others built whether it serves what it announces', () => {
    const { text } = inspect(amdSev());
    expect(text).toMatch(/^cannot tell whether SecretPei and SecretDxe serve the secret area: there is no/m);
    expect(text).toMatch(/generic builds from 202511 on announce one and have neither$/m);
    expect(text).not.toMatch(/built by sevlab/);
  });

  it('says nothing of service where no area is announced', () => {
    const { text, error } = inspect(built({ secretArea: { base: 0, size: 0 } }));
    expect(text).toMatch(/^warning: the secret block says base 0x0, size 0/m);
    expect(text).not.toMatch(/SecretPei/);
    expect(error).toBeUndefined();
  });

  it('says no to an image that launch secrets cannot work with', () => {
    const path = built({ publishesArea: false });
    const { text, error } = inspect(path);
    expect(error?.exitCode).toBe(EXIT.no);
    expect(error?.message).toBe(`${path}: there is no SecretDxe: no kernel learns where the secret area is`);
    expect(text).toMatch(/SecretPei, .*: there; SecretDxe, .*: missing$/m);
  });

  it('prints one JSON document with the same', () => {
    const { text } = inspect('--json', built({ secretArea: { base: 0x900f00, size: 0x100 } }));
    const document = JSON.parse(text);
    expect(document).toMatchObject({
      size: 8192,
      launchDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      table: { kind: 'table', offset: 0x1f58, size: 136 },
      secretArea: { base: 0x900f00, size: 0x100 },
      hashesArea: { base: 0x810c00, size: 0x400 },
      manifest: { layout: '202405' },
      drivers: { kind: 'known', secretPei: true, secretDxe: true },
      findings: [{ severity: 'warning', text: expect.stringMatching(/do not make a whole page/) }],
    });
    expect(document.entries[2]).toMatchObject({
      guid: '4c2eb361-7d9b-4cc3-8081-127c90d3d294',
      name: 'SEV secret block',
      data: '000f900000010000',
      offset: 0x1f88,
      decoded: { kind: 'area', base: 0x900f00, size: 0x100 },
    });
  });
});

it('a scenario may have every layout that firmware build has', () => {
  const [, built] = scenarioSchema.properties.firmware.oneOf;
  expect(built?.properties.layout?.enum).toEqual(Object.keys(LAYOUTS));
});
