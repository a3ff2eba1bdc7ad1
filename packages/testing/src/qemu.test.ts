import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { toBase64 } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { makeSession } from '@sevlab/guest-owner-sim/make-session';
import { QmpClient } from '@sevlab/lab/qmp-client';
import { afterAll, expect, it } from 'vitest';
import { startHost } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-qemu-'));
afterAll(() => rmSync(folder, { recursive: true }));
const socket = join(folder, 'qmp');

const wordsFor = (object: string): string[] => [
  ...['-machine', 'q35,confidential-guest-support=sev0', '-m', '512M', '-S'],
  ...['-object', `sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=6,${object}`],
  ...['-qmp', `unix:${socket},server=on,wait=off`],
];

it('is a guest behind QMP on the platform that the owner saw', async () => {
  const host = startHost();
  const { pubkey } = SevCertificate.decodeAt(host.exportChain(), 0);
  const point = { x: pubkey.slice(4, 52).reverse(), y: pubkey.slice(76, 124).reverse() };
  const keys = makeSession(point, 1, seededEntropy('a', 'owner'));
  for (const name of ['godh', 'session'] as const) writeFileSync(join(folder, name), toBase64(keys[name]));
  const files = `dh-cert-file=${join(folder, 'godh')},session-file=${join(folder, 'session')}`;
  host.expects({ type: 'qmp', from: 'client' });
  host.expects({ type: 'kvm', call: 'KVM_SEV_LAUNCH_FINISH', ret: 0 });

  const qemu = await host.startQemu(wordsFor(`policy=0x1,${files}`));
  expect(() => qemu.run('id')).toThrow('the guest does not run; expected cont on its QMP socket before');
  const client = await QmpClient.open({ kind: 'unix', path: socket }, 10_000);
  expect(await client.ask('query-sev')).toMatchObject({ state: 'launch-secret', policy: 1 });
  const wrong = { 'packet-header': toBase64(new Uint8Array(52)), secret: toBase64(new Uint8Array(16)) };
  await expect(client.ask('sev-inject-launch-secret', wrong)).rejects.toThrow(/fw_error=11/);
  expect(qemu.remarks().join('\n')).toMatch(/BAD_MEASUREMENT/);
  expect(() => host.done()).toThrow('KVM_SEV_LAUNCH_FINISH');
  await client.ask('cont');
  expect(qemu.run('id -un', { as: 'user' })).toEqual(
    expect.objectContaining({ output: 'user\n', status: 0 }),
  );
  host.done();
  client.close();
  await qemu.close();
});

it('refuses what QEMU refuses', async () => {
  const host = startHost();
  await expect(host.startQemu(['-machine', 'nonsense'])).rejects.toThrow('unsupported machine type');
  writeFileSync(join(folder, 'session'), 'AAAA');
  const files = `dh-cert-file=${join(folder, 'session')},session-file=${join(folder, 'session')}`;
  await expect(host.startQemu(wordsFor(`policy=1,${files}`))).rejects.toThrow(/fw_error/);
});
