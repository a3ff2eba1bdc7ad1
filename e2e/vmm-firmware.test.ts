import { spawnSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, fromBase64, utf8 } from '@sevlab/codec/bytes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEVLAB, typeIn } from './test/command-line.ts';
import { ConsoleClient } from './test/console-client.ts';
import { QmpClient } from './test/qmp-client.ts';
import { SEALED_GUID, sealSecret } from './test/seal-secret.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-foreign-'));
const inFolder = (name: string): string => join(folder, name);
const [qmp, tty] = [inFolder('qmp'), inFolder('console')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  killStarted();
  for (const path of [qmp, tty]) rmSync(path, { force: true });
});

beforeAll(() => {
  const run = (...args: string[]) => spawnSync(SEVLAB, args, { cwd: folder });
  expect(run('platform', 'export', '--seed', 'host', '--out', 'chain').status).toBe(0);
  expect(run('owner', 'session', 'chain', '--seed', 'owner').status).toBe(0);
  expect(run('firmware', 'build', '--out', 'own', '--layout', '202405').status).toBe(0);
  // an image that announces the same areas and says nothing of itself
  const image = readFileSync(inFolder('own'));
  const guid = image.lastIndexOf(Buffer.from('00ab715e0e8d554c', 'hex'));
  expect(guid).toBeGreaterThan(0);
  image[guid]! ^= 0xff;
  writeFileSync(inFolder('foreign'), image);
});

const vmm = (...args: string[]): Promise<StartedVmm> =>
  startVmm(
    folder,
    ...['--seed', 'host', '--qmp', qmp, '--console', tty],
    ...['--dh-cert-file', 'vm_godh.b64', '--session-file', 'vm_session.b64', ...args],
  );

const key = (name: 'tik' | 'tek'): Uint8Array => readFileSync(inFolder(`vm_${name}.bin`));

/** MEASURE and MNONCE of the guest, once MEASURE is found to be what 55766 says for this image. */
async function attested(client: QmpClient, image: Uint8Array): Promise<Uint8Array> {
  const { data } = (await client.ask('query-sev-launch-measure')) as { data: string };
  const measurement = fromBase64(data);
  const digest = createHash('sha256').update(image).digest();
  const about = Uint8Array.of(0x04, 1, 55, 25, 1, 0, 0, 0); // context, API 1.55, build 25, policy 1
  const expected = createHmac('sha256', key('tik')).update(concat(about, digest, measurement.subarray(32)));
  expect(measurement.subarray(0, 32)).toEqual(new Uint8Array(expected.digest()));
  return measurement;
}

async function inject(client: QmpClient, measurement: Uint8Array): Promise<void> {
  const keys = { tik: key('tik'), tek: key('tek') };
  const packet = sealSecret({ secret: utf8('behind another’s firmware'), measurement, ...keys });
  expect(await client.ask('sev-inject-launch-secret', packet)).toEqual({});
}

describe('a firmware image of others', () => {
  it('is measured, takes a secret, and does not start: --as is named', async () => {
    const { stderr } = await vmm('--firmware', 'foreign');
    const client = await QmpClient.negotiated(qmp);
    await inject(client, await attested(client, readFileSync(inFolder('foreign'))));
    expect(await client.ask('cont')).toEqual({});
    expect(await client.ask('query-sev')).toMatchObject({ state: 'running' });
    await expect.poll(stderr).toMatch(/the guest does not start: .*--as with the edk2 release .*202405/);
  });

  it.each(['202405', 'amdsev-202302'])('does what --as %s says, where its own table says', async (layout) => {
    await vmm('--firmware', 'foreign', '--as', layout);
    const client = await QmpClient.negotiated(qmp);
    await inject(client, await attested(client, readFileSync(inFolder('foreign'))));
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
    await terminal.type('cd /sys/kernel/security/secrets/coco');
    expect(await terminal.type(`cat ${SEALED_GUID}; echo`)).toBe('behind another’s firmware\r\n# ');
  });

  it('of ours does what its manifest says, whatever --as says', async () => {
    const build = ['firmware', 'build', '--out', 'unreserved', '--no-publish'];
    expect(typeIn(folder, ...build).status).toBe(0);
    await vmm('--firmware', 'unreserved', '--as', '202405');
    const client = await QmpClient.negotiated(qmp);
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
    expect(await terminal.type('ls /sys/kernel/security')).toBe('lsm\r\n# ');
  });

  it('cannot be taken for a layout that there is not', () => {
    expect(typeIn(folder, 'vmm', '--qmp', 'q', '--seed', 'x', '--as', '1999')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("--as: no layout '1999'; expected one of 202102"),
    });
  });
});

const DEBIAN = '/usr/share/ovmf/OVMF.fd';
const debianIsThere = existsSync(DEBIAN);
if (!debianIsThere) process.stderr.write(`SKIPPED, no ${DEBIAN} here: apt-get install ovmf\n`);

describe.runIf(debianIsThere)("Debian's OVMF", () => {
  it('is measured, and boots without a secret area under --as, since it announces none', async () => {
    const { stderr } = await vmm('--lint', '--firmware', DEBIAN, '--as', '202405');
    const client = await QmpClient.negotiated(qmp);
    await inject(client, await attested(client, readFileSync(DEBIAN)));
    await expect.poll(stderr).toContain('QEMU injects at address 0');
    const terminal = await ConsoleClient.open(tty);
    await client.ask('cont');
    await terminal.logIn('root');
    expect(await terminal.type('ls /sys/kernel/security')).toBe('lsm\r\n# ');
  });

  it('does not start without', async () => {
    const { stderr } = await vmm('--firmware', DEBIAN);
    const client = await QmpClient.negotiated(qmp);
    await client.ask('cont');
    await expect.poll(stderr).toMatch(/the guest does not start: .*--as/);
  });
});
