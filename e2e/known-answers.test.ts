import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBase64, fromHex, toBase64, toHex } from '@sevlab/codec/bytes';
import { afterAll, describe, expect, it } from 'vitest';
import described from '../packages/sev-channel/test/vectors/described-launches.json' with { type: 'json' };
import sevTool from '../packages/sev-channel/test/vectors/sev-tool-calc-measurement.json' with {
  type: 'json',
};
import packaged from '../packages/sev-channel/test/vectors/sev-tool-package-secret.json' with {
  type: 'json',
};
import sevctl from '../packages/sev-channel/test/vectors/sevctl-measurement-build.json' with { type: 'json' };
import secrets from '../packages/sev-channel/test/vectors/sevctl-secret-build.json' with { type: 'json' };
import { typeIn } from './test/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-answers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const root = fileURLToPath(new URL('..', import.meta.url));

/** Every file of other programs' answers, how many cases it has, and which tests go through all of them. */
const LISTED: readonly (readonly [file: string, cases: number, tests: readonly string[]])[] = [
  ['sev-channel/described-launches.json', 32, ['packages/sev-channel/src/described-launch.test.ts']],
  [
    'sev-channel/model.json',
    1,
    ['packages/sev-channel/src/session.test.ts', 'packages/sev-channel/src/kdf.test.ts'],
  ],
  ['sev-channel/sev-tool-attestation.json', 7, ['packages/sev-channel/src/attestation.test.ts']],
  [
    'sev-channel/sev-tool-calc-measurement.json',
    9,
    ['packages/sev-channel/src/measurement.test.ts', 'e2e/known-answers.test.ts'],
  ],
  ['sev-channel/sev-tool-chains.json', 11, ['packages/sev-channel/src/chain.test.ts']],
  [
    'sev-channel/sev-tool-launch-blob.json',
    9,
    ['packages/sev-channel/src/session.test.ts', 'e2e/owner-online.test.ts'],
  ],
  [
    'sev-channel/sev-tool-package-secret.json',
    10,
    ['packages/sev-channel/src/packet.test.ts', 'e2e/known-answers.test.ts'],
  ],
  ['sev-channel/sev-tool-sign-pek-csr.json', 4, ['packages/sev-channel/src/owner-certificate.test.ts']],
  ['sev-channel/sevctl-generate.json', 1, ['packages/sev-channel/src/owner-certificate.test.ts']],
  [
    'sev-channel/sevctl-measurement-build.json',
    10,
    ['packages/sev-channel/src/measurement.test.ts', 'e2e/known-answers.test.ts'],
  ],
  [
    'sev-channel/sevctl-secret-build.json',
    22,
    ['packages/guest-owner-sim/src/accepted-launch.test.ts', 'e2e/known-answers.test.ts'],
  ],
  [
    'sev-channel/sevctl-session.json',
    7,
    ['packages/sev-channel/src/session.test.ts', 'e2e/owner-online.test.ts'],
  ],
  ['sev-channel/sevctl-validate.json', 7, ['packages/sev-channel/src/attestation.test.ts']],
  ['sev-channel/sevctl-verify.json', 5, ['e2e/owner.test.ts']],
  [
    'sev-channel/virt-qemu-sev-validate.json',
    43,
    ['packages/sev-channel/src/measurement.test.ts', 'packages/guest-owner-sim/src/accepted-launch.test.ts'],
  ],
  ['codec/packets.json', 9, ['packages/codec/src/sev/packet.test.ts']],
  ['codec/secret-tables.json', 6, ['packages/codec/src/efi/secret-table.test.ts']],
  ['codec/session.json', 1, ['packages/codec/src/sev/session.test.ts']],
  ['codec/vmsas.json', 8, ['packages/codec/src/sev/vmsa.test.ts']],
];

describe('the known answers', () => {
  const countOf = (path: string): number => {
    const { cases }: { cases?: readonly unknown[] } = JSON.parse(readFileSync(path, 'utf8'));
    return cases?.length ?? 1;
  };

  it('are all listed', () => {
    const there = ['sev-channel', 'codec'].flatMap((name) =>
      readdirSync(join(root, 'packages', name, 'test/vectors'))
        .filter((file) => file.endsWith('.json'))
        .map((file) => `${name}/${file}`),
    );
    expect(LISTED.map(([file]) => file).sort()).toEqual(there.sort());
  });

  it.each(LISTED)('%s: %i cases, none lost', (file, cases, tests) => {
    const [name, json] = file.split('/') as [string, string];
    expect(countOf(join(root, 'packages', name, 'test/vectors', json))).toBe(cases);
    for (const test of tests) expect(readFileSync(join(root, test), 'utf8')).toContain(`vectors/${json}`);
  });
});

describe('sevctl measurement build', () => {
  it.each(sevctl.cases)('$name: the same 48 bytes, and they are accepted', (c) => {
    const { api, build, policy, launch_digest: digest, tik, mnonce } = c.inputs;
    const numbers = [
      '--api-major',
      `${api[0]}`,
      '--api-minor',
      `${api[1]}`,
      '--policy',
      `0x${policy.toString(16)}`,
    ];
    const known = described.cases.find(({ name, from }) => from === 'sevctl' && name === c.name);
    const firmware: Record<string, string> = described.firmwares;
    const blobs: Record<string, string> = described.blobs;
    const launch = known
      ? [
          ...[
            '--firmware',
            `base64:${firmware[known.firmware]}`,
            '--kernel',
            `base64:${blobs[known.kernel!]}`,
          ],
          ...['--initrd', `base64:${blobs[known.initrd!]}`, '--cmdline', known.commandLine!],
        ]
      : ['--launch-digest', toBase64(fromHex(digest))];
    const line = [...numbers, ...launch, '--tik', toBase64(fromHex(tik))];
    const nonce = ['--nonce', toBase64(fromHex(mnonce))];
    if (build > 255) {
      const refused = typeIn(folder, 'owner', 'measure', ...line, ...nonce, '--build-id', `${build}`);
      expect(refused).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('expected a number from 0 to 255'),
      });
    }
    const byte = ['--build-id', `${build & 0xff}`]; // sevctl cuts it
    expect(typeIn(folder, 'owner', 'measure', ...line, ...byte, ...nonce)).toMatchObject({
      status: 0,
      stdout: `${c.launch_measure_blob_base64}\n`,
    });
    const blob = ['--launch-measure-blob', c.launch_measure_blob_base64, '--outfile', c.name];
    expect(typeIn(folder, 'owner', 'measure', ...line, ...byte, ...blob).status).toBe(0);
    expect(readFileSync(join(folder, c.name), 'base64')).toBe(c.launch_measure_blob_base64);
    const check = ['--measurement', c.launch_measure_blob_base64, '--tek', `hex:${'00'.repeat(16)}`];
    expect(typeIn(folder, 'owner', 'measure', ...line, ...byte, ...check)).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  /** sevctl's refusals: kernel, initrd and command line only together, both VMSAs for one vCPU, no nonce. */
  it('asks for a nonce, as sevctl does; a kernel alone, and one VMSA for one vCPU, are enough here', () => {
    writeFileSync(join(folder, 'page'), new Uint8Array(4096));
    const tik = ['--tik', `hex:${'01'.repeat(16)}`];
    const api = ['--api-major', '1', '--api-minor', '55', '--build-id', '21'];
    const line = [...api, '--firmware', 'page', ...tik];
    const nonce = ['--nonce', `hex:${'02'.repeat(16)}`];
    const type = (...more: string[]) => typeIn(folder, 'owner', 'measure', ...line, ...more).status;
    expect(type('--policy', '0')).toBe(2);
    expect(type('--policy', '0', '--kernel', 'page', ...nonce)).toBe(0);
    expect(type('--policy', '5', '--num-cpus', '1', '--vmsa-cpu0', 'page', ...nonce)).toBe(0);
  });
});

describe('sev-tool calc_measurement', () => {
  it.each(sevTool.cases)('API $args: accepted', ({ args, 'calc_measurement_out.bin': measure }) => {
    const [, major, minor, build, policy, digest, mnonce, tik] = args as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const hex = (text: string): string => `0x${text}`;
    const { status, stderr } = typeIn(
      ...([folder, 'owner', 'measure', '--measurement', `${measure}${mnonce}`] as const),
      ...[
        '--api-major',
        hex(major),
        '--api-minor',
        hex(minor),
        '--build-id',
        hex(build),
        '--policy',
        hex(policy),
      ],
      ...['--digest', digest, '--tik', tik, '--tek', tik],
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('packet open', () => {
  const open = (...line: string[]) => typeIn(folder, 'packet', 'open', '--json', ...line);

  it.each(secrets.cases)('sevctl $name: opens, and its tail is known', (c) => {
    writeFileSync(join(folder, 'header'), fromBase64(c.header_file_base64));
    writeFileSync(join(folder, 'payload'), fromBase64(c.payload_file_base64));
    const line = [
      '--header',
      'header',
      '--payload',
      'payload',
      '--tek',
      `hex:${c.tek}`,
      '--tik',
      `hex:${c.tik}`,
    ];
    const { status, stdout } = open(...line, '--measurement', `hex:${c.measure}`);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ plaintext: c.plaintext_table, concerns: [] });
    expect(JSON.parse(stdout).tails).toContain('sevctl');
  });

  it.each(packaged.cases)('sev-tool, API $platform_api: opens; unpadded lengths are named', (c) => {
    writeFileSync(join(folder, 'header'), fromBase64(c['packaged_secret_header.bin']));
    writeFileSync(join(folder, 'payload'), fromBase64(c['packaged_secret.bin']));
    const tk = c['tmp_tk.bin'];
    const keys = ['--tek', `hex:${tk.slice(0, 32)}`, '--tik', `hex:${tk.slice(32)}`];
    const line = ['--header', 'header', '--payload', 'payload', ...keys];
    const measurement = ['--measurement', `hex:${c['calc_measurement_out.bin']}`];
    const { status, stdout, stderr } = open(...line, ...(c.mac_covers_measurement ? measurement : []));
    const secret = fromBase64(c['secret.txt']);
    expect(JSON.parse(stdout)).toMatchObject({ plaintext: toHex(secret) });
    expect(status).toBe(secret.length % 16 === 0 ? 0 : 1);
    if (status !== 0) expect(stderr).toContain('INVALID_LENGTH: expected a multiple of 16 bytes');
    if (status !== 0) expect(stderr).toContain('sev-tool 1.7 pads nothing');
    if (!c.mac_covers_measurement)
      expect(open(...line, ...measurement).stderr).toContain(
        'the MAC would fit without the measurement, as sev-tool 1.7',
      );
  });

  it('tells exchanged keys, and base64 without its padding', () => {
    const c = secrets.cases[0]!;
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return name;
    };
    const header = file('header.b64', c.header_file_base64);
    const payload = file('payload.txt', c.payload_file_base64);
    const keys = (tek: string, tik: string): string[] => ['--tek', `hex:${tek}`, '--tik', `hex:${tik}`];
    const measurement = ['--measurement', `hex:${c.measure}`];
    const good = ['--header', header, '--payload', payload, ...keys(c.tek, c.tik), ...measurement];
    expect(open(...good)).toMatchObject({ status: 0 });
    const exchanged = open('--header', header, '--payload', payload, ...keys(c.tik, c.tek), ...measurement);
    expect(exchanged).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the MAC would fit if TIK and TEK were exchanged'),
    });
    for (const key of [c.tik, c.tek]) expect(exchanged.stderr).not.toContain(key);
    const cut = file('cut.b64', c.header_file_base64.replace(/=+$/, ''));
    expect(open(...good, '--header', cut)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        'base64 without the padding at its end, of which QEMU would drop the last bytes',
      ),
    });
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});
