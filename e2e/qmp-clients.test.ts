import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equal, fromBase64, toBase64, utf8 } from '@sevlab/codec/bytes';
import { AttestationReport } from '@sevlab/codec/sev/attestation';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { verifyAttestation } from '@sevlab/sev-channel/attestation';
import { decodePoint } from '@sevlab/sev-channel/certificate';
import { describeLaunch } from '@sevlab/sev-channel/described-launch';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import { measureLaunch } from '@sevlab/sev-channel/measurement';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { ConsoleClient } from './test/console-client.ts';
import { OTHER_CLIENTS, type OtherClient } from './test/other-clients.ts';
import { SEALED_GUID, sealSecret } from './test/seal-secret.ts';
import { killStarted, type StartedVmm, startVmm } from './test/started-vmm.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-clients-'));
const inFolder = (name: string): string => join(folder, name);
const [qmp, tty] = [inFolder('qmp'), inFolder('console')];
const SECRET = 'for the guest alone';
const POLICY = 1;

beforeAll(() => {
  for (const line of [
    ['firmware', 'build', '--out', 'amdsev.fd'],
    ['platform', 'export', '--seed', 'host', '--out', 'chain'],
    ['owner', 'session', 'chain', '--seed', 'owner', '--policy', `${POLICY}`],
  ])
    expect(typeIn(folder, ...line).status, line.join(' ')).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  killStarted();
  for (const path of [qmp, tty]) rmSync(path, { force: true });
});

const vmm = (): Promise<StartedVmm> =>
  startVmm(
    folder,
    ...['--seed', 'host', '--qmp', qmp, '--console', tty, '--firmware', 'amdsev.fd', '--policy', `${POLICY}`],
    ...['--dh-cert-file', 'vm_godh.b64', '--session-file', 'vm_session.b64'],
  );

const key = (name: 'tik' | 'tek'): Uint8Array => new Uint8Array(readFileSync(inFolder(`vm_${name}.bin`)));

interface Told {
  readonly data: string;
}

/** MEASURE and MNONCE. */
async function measurementFrom(client: OtherClient): Promise<Uint8Array> {
  const { data } = (await client.execute('query-sev-launch-measure')) as Told;
  return fromBase64(data);
}

/** What the tenant computes from its own image, and what the host says of itself. */
async function expectedMeasure(client: OtherClient, mnonce: Uint8Array): Promise<Uint8Array> {
  const told = (await client.execute('query-sev')) as Record<string, number>;
  return measureLaunch({
    tik: key('tik'),
    version: { apiMajor: told['api-major']!, apiMinor: told['api-minor']!, build: told['build-id']! },
    policy: POLICY,
    digest: launchDigest(describeLaunch({ image: new Uint8Array(readFileSync(inFolder('amdsev.fd'))) })),
    mnonce,
  });
}

const seal = async (client: OtherClient, tik = key('tik')) =>
  sealSecret({ secret: utf8(SECRET), measurement: await measurementFrom(client), tik, tek: key('tek') });

/** What the host finds in the page where the secret goes. */
async function hostView(client: OtherClient): Promise<Buffer> {
  await client.execute('pmemsave', { val: 0x81_0000, size: 4096, filename: inFolder('dump') });
  return readFileSync(inFolder('dump'));
}

describe.each(OTHER_CLIENTS)('$name', ({ there, connect }) => {
  it.skipIf(!there)('launches, attests, injects, boots, and the guest reads the secret', async () => {
    const { exited, stderr } = await vmm();
    const client = await connect(qmp);
    expect(await client.execute('query-sev')).toMatchObject({ enabled: true, state: 'launch-secret' });

    const blob = await measurementFrom(client);
    expect(equal(blob.subarray(0, 32), await expectedMeasure(client, blob.subarray(32)))).toBe(true);

    const { pdh, 'cert-chain': chain } = (await client.execute('query-sev-capabilities')) as Record<
      string,
      string
    >;
    expect(fromBase64(pdh!)).toHaveLength(SevCertificate.size);
    const pek = decodePoint(
      SevCertificate.decode(fromBase64(chain!).subarray(0, SevCertificate.size)).pubkey,
    );
    const mnonce = randomBytes(16);
    const attested = (await client.execute('query-sev-attestation-report', {
      mnonce: toBase64(mnonce),
    })) as Told;
    const report = AttestationReport.decode(fromBase64(attested.data));
    expect(verifyAttestation(report, pek!)).toBe(true);
    expect([...report.mnonce]).toEqual([...mnonce]);
    const image = createHash('sha256')
      .update(readFileSync(inFolder('amdsev.fd')))
      .digest('hex');
    expect(Buffer.from(report.launchDigest).toString('hex')).toBe(image);

    const before = await hostView(client);
    expect(await client.execute('sev-inject-launch-secret', await seal(client))).toEqual({});
    const after = await hostView(client);
    expect(after.equals(before)).toBe(false);
    expect(after.includes(SECRET)).toBe(false);

    const terminal = await ConsoleClient.open(tty);
    expect(await client.execute('cont')).toEqual({});
    await terminal.logIn('root');
    await terminal.type('cd /sys/kernel/security/secrets/coco');
    expect(await terminal.type(`cat ${SEALED_GUID}; echo`)).toBe(`${SECRET}\r\n# `);
    terminal.close();
    expect(await client.execute('query-sev')).toMatchObject({ state: 'running' });
    expect(await client.execute('query-status')).toMatchObject({ status: 'running' });
    await client.execute('quit');
    await client.close();
    expect(await exited, stderr()).toBe(0);
  });

  it.skipIf(!there)('is refused as on hardware', async () => {
    const { stderr } = await vmm();
    const client = await connect(qmp);
    const packet = await seal(client);
    const refusal = (given: Readonly<Record<string, unknown>>) =>
      expect(client.execute('sev-inject-launch-secret', given)).rejects;
    const BAD_MAC = /SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'$/;
    const altered = fromBase64(packet.secret);
    altered[20]! ^= 0x80;
    const before = await hostView(client);

    await refusal(await seal(client, randomBytes(16))).toThrow(BAD_MAC); // another TIK
    await refusal({ ...packet, secret: toBase64(altered) }).toThrow(BAD_MAC);
    const short = toBase64(fromBase64(packet.secret).subarray(0, 15));
    await refusal({ ...packet, secret: short }).toThrow(
      /SEV: failed to inject secret ret=-5 fw_error=4 'Buffer too small'$/,
    );
    await refusal({ ...packet, gpa: 0xfec0_0000 }).toThrow(
      /SEV: Failed to calculate guest address: Memory at address 0xfec00000 is not RAM$/,
    );
    await refusal({ ...packet, 'packet-header': '' }).toThrow(/SEV: Failed to decode sequence header$/);
    await expect(client.execute('query-sev-attestation-report', { mnonce: 'AAAA' })).rejects.toThrow(
      /SEV: mnonce must be 16 bytes \(got 3\)$/,
    );
    expect((await hostView(client)).equals(before)).toBe(true);

    await client.execute('cont');
    await refusal(packet).toThrow(/SEV: Not in correct state\. \(LSECRET\) 3$/);
    expect(stderr()).toMatch(/LAUNCH_SECRET: BAD_MEASUREMENT/);
    await client.close();
  });
});
