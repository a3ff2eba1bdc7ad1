import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { KEY_ALGO, KEY_USAGE, SevCertificate } from '@sevlab/codec/sev/certificate';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { createPipeline } from '@sevlab/lab/pipeline';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { decodePoint, makeCertificate } from '@sevlab/sev-channel/certificate';
import { keyPairFromScalar, sharedSecret } from '@sevlab/sev-channel/p384';
import { policyMac, unwrapSession } from '@sevlab/sev-channel/session';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import chains from '../packages/sev-channel/test/vectors/sev-tool-chains.json' with { type: 'json' };
import sessions from '../packages/sev-channel/test/vectors/sevctl-session.json' with { type: 'json' };
import verified from '../packages/sev-channel/test/vectors/sevctl-verify.json' with { type: 'json' };
import { SEVLAB, typeIn } from './test/command-line.ts';

const base = mkdtempSync(join(tmpdir(), 'sevlab-owner-'));
afterAll(() => rmSync(base, { recursive: true }));

/** A chain of 8336 bytes under the emulated root. */
let emulated: Uint8Array;
beforeAll(() => {
  emulated = new Uint8Array(spawnSync(SEVLAB, ['platform', 'export', '--seed', 'a'], { cwd: base }).stdout);
});

let folder = base;
let count = 0;
beforeEach(() => {
  folder = join(base, String(count++));
  mkdirSync(folder);
});

const type = (...line: string[]) => typeIn(folder, ...line);
const file = (name: string, content: Uint8Array | string): string => {
  writeFileSync(join(folder, name), content);
  return name;
};
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
const base64Of = (name: string): Uint8Array => fromBase64(readFileSync(join(folder, name), 'latin1'));

type Files = (typeof chains.platforms)['rome'];
const SEV = ['pdh.cert', 'pek.cert', 'oca.cert', 'cek.cert'] as const;
const joined = (files: Files, names: readonly (keyof Files)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(names.map((name) => fromBase64(files[name]))));

describe('owner verify', () => {
  it.each(Object.entries(chains.platforms))('accepts %s with its ASK and ARK', (_, files: Files) => {
    const ca = file('ca', joined(files, ['ask.cert', 'ark.cert']));
    const bare = file('chain', joined(files, SEV));
    const full = file('full', joined(files, [...SEV, 'ask.cert', 'ark.cert']));
    const text = file('chain.b64', Buffer.from(joined(files, SEV)).toString('base64'));
    for (const chain of [bare, full, text]) {
      const { status, stdout, stderr } = type('owner', 'verify', '--sev', chain, '--ca', ca);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.split('\n').filter((line) => line.startsWith('ok  '))).toHaveLength(8);
    }
  });

  /** sev-tool's cases, and the links that we find broken. */
  const broken: Readonly<Record<string, readonly string[]>> = {
    'cek-signature-bad': ['CEK signed by ASK'],
    'ask-signature-bad': ['ASK signed by ARK'],
    'ark-keyid-unknown': ['ARK', 'ARK signed by itself', 'ASK signed by ARK'],
    'ark-keyid-upper-half-unknown': ['ARK', 'ARK signed by itself', 'ASK signed by ARK'],
    'pek-missing-oca-signature': ['PEK signed by OCA'],
    'pdh-usage-wrong': ['PDH signed by PEK'],
    'pek-reserved-byte': ['PEK signed by OCA', 'PEK signed by CEK'],
  };
  it.each(chains.cases.filter(({ name }) => name in broken))('names the broken links of $name', (known) => {
    const original: Files = chains.platforms[known.platform as 'rome'];
    const files = { ...original, ...known.changed };
    const ca = file('ca', joined(original, ['ask.cert', 'ark.cert']));
    const chain = file('chain', joined(files, [...SEV, 'ask.cert', 'ark.cert']));
    const { status, stdout, stderr } = type('owner', 'verify', '--json', '--sev', chain, '--ca', ca);
    const { verified: holds, links } = JSON.parse(stdout);
    const failing = links.filter((link: { holds: boolean }) => !link.holds);
    expect({ status, holds, failing: failing.map(({ link }: { link: string }) => link) }).toEqual({
      status: 1,
      holds: false,
      failing: broken[known.name],
    });
    for (const link of broken[known.name]!) expect(stderr).toContain(`${link}: expected`);
    const text = type('owner', 'verify', '--sev', chain, '--ca', ca).stdout;
    expect(text.split('\n').filter((line) => line.startsWith('FAIL'))).toHaveLength(failing.length);
  });

  it.each(verified.cases)('agrees with sevctl on $name: exit $exit', (known) => {
    const line = [
      file('chain', fromBase64(known.sev_base64)),
      file('ca', fromBase64(known.ca_base64)),
    ] as const;
    const { status, stdout } = type('owner', 'verify', '--json', '--sev', line[0], '--ca', line[1]);
    expect(status !== 0).toBe(known.exit !== 0);
    if (known.stdout === '') return; // sevctl could not read it either
    const { links } = JSON.parse(stdout) as {
      links: { link: string; holds: boolean; fingerprint: string }[];
    };
    const theirs = [...known.stdout.matchAll(/(\w{3}) \w+ \w+ ([0-9a-f]{64,})$/gm)];
    expect(theirs).toHaveLength(6);
    for (const [, name, fingerprint] of theirs) {
      const ours = links.filter(({ link }) => link.startsWith(`${name} `) || link === name);
      expect(ours.length).toBeGreaterThan(0);
      for (const link of ours) expect(link.fingerprint).toBe(fingerprint);
    }
    // a bar through • is a bad self-signature, one through ⬑ a bad signature on the certificate in front
    const badOwn = [...known.stdout.matchAll(/•\u0337.* (\w{3}) \w+ \w+ [0-9a-f]+$/gm)].map(
      ([, name]) => `${name} signed by itself`,
    );
    const badBelow = [...known.stdout.matchAll(/⬑\u0338 (\w{3}) \w+ \w+ [0-9a-f]+$/gm)].map(
      ([, name]) => `signed by ${name}`,
    );
    const failing = links.filter(({ holds }) => !holds).map(({ link }) => link);
    expect(failing).toHaveLength(badOwn.length + badBelow.length);
    for (const bad of [...badOwn, ...badBelow]) expect(failing.some((link) => link.endsWith(bad))).toBe(true);
  });

  it('trusts no root that nobody named', () => {
    type('platform', 'export', '--seed', 'a', '--full', '--out', 'full');
    file('bare', emulated);
    const rome = chains.platforms.rome;
    const ca = file('ca', joined(rome, ['ask.cert', 'ark.cert']));
    expect(type('owner', 'verify', '--sev', 'full')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^sevlab owner verify: full: ARK: expected a trusted root, got none/),
    });
    expect(type('owner', 'verify', '--sev', 'full', '--ca', ca)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/: full: ARK: expected the trusted root, got another/),
    });
    expect(type('owner', 'verify', '--sev', 'bare', '--ca', ca)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/: bare: CEK signed by ASK: expected a good signature/),
    });
    const real = file('real', joined(rome, [...SEV, 'ask.cert', 'ark.cert']));
    expect(type('owner', 'verify', '--sev', real, '--trust-emulated-root').status).toBe(1);
    for (const chain of ['full', 'bare']) {
      const { status, stderr } = type('owner', 'verify', '--sev', chain, '--trust-emulated-root');
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: 'this root is the emulated one: its keys are public, and it vouches for no hardware\n',
      });
    }
  });

  it.each([
    ['no root and no ASK', ['--sev', 'bare'], /bare: it has no ASK and ARK; expected .* try --ca FILE/],
    [
      'two roots',
      ['--sev', 'bare', '--ca', 'bare', '--trust-emulated-root'],
      /expected one root to trust, got two/,
    ],
    ['no chain', [], /required option '--sev <chain>' not specified/],
    ['a missing chain', ['--sev', 'nowhere', '--trust-emulated-root'], /nowhere: no such file/],
    [
      'a short chain',
      ['--sev', 'short', '--trust-emulated-root'],
      /short: expected PDH, PEK, OCA and CEK, 8336 bytes.* got 8335 bytes/,
    ],
    [
      'a longer chain',
      ['--sev', 'longer', '--trust-emulated-root'],
      /longer: expected ASK and ARK, twice 832 or 1600 bytes, got 1 bytes/,
    ],
    ['a CA that is none', ['--sev', 'bare', '--ca', 'bare'], /bare: expected ASK and ARK/],
    ['an empty CA', ['--sev', 'bare', '--ca', 'empty'], /empty: expected ASK and ARK.* got 0 bytes/],
  ])('%s is wrong usage', (_, line, message) => {
    file('bare', emulated);
    file('short', read('bare').subarray(1));
    file('longer', Buffer.concat([read('bare'), Buffer.of(1)]));
    file('empty', '');
    const { status, stderr, stdout } = type('owner', 'verify', ...line);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    expect(stderr).toMatch(message);
  });
});

describe('owner session', () => {
  const NAMES = ['vm_godh.b64', 'vm_session.b64', 'vm_tek.bin', 'vm_tik.bin'];

  describe.each(sessions.cases)('for a platform whose key is known, policy $policy_argument', (known) => {
    it('makes what sevctl makes, but with the policy that was meant', () => {
      const scalar = fromHex(known.pdh_private_scalar_hex);
      const usage = { usage: KEY_USAGE.PDH, algo: KEY_ALGO.ECDH_SHA256, apiMajor: 1, apiMinor: 55 };
      file('pdh', SevCertificate.encode(makeCertificate({ ...usage, point: keyPairFromScalar(scalar) })));
      expect(type('owner', 'session', '--policy', known.policy_argument, 'pdh').status).toBe(0);
      expect(readdirSync(folder)).toEqual(['pdh', ...NAMES]);
      const modes = NAMES.map((name) => statSync(join(folder, name)).mode & 0o777);
      expect(modes).toEqual([0o644, 0o644, 0o600, 0o600]);
      for (const name of ['godh.b64', 'session.b64'] as const) {
        expect(readFileSync(join(folder, `vm_${name}`), 'latin1')).toMatch(/^[A-Za-z0-9+/]+=*$/); // no line end
        expect(statSync(join(folder, `vm_${name}`)).size).toBe(known[name].length);
      }

      const godh = SevCertificate.decode(base64Of('vm_godh.b64'));
      const theirs = SevCertificate.decode(fromBase64(known['godh.b64']));
      const withoutPoint = (certificate: SevCertificate) => ({
        ...certificate,
        pubkey: toHex(certificate.pubkey).replace(/^(.{8}).{96}(.{48}).{96}/, '$1$2'),
      });
      expect(withoutPoint(godh)).toEqual(withoutPoint(theirs));
      expect(toHex(godh.pubkey)).not.toBe(toHex(theirs.pubkey));

      const session = LaunchSession.decode(base64Of('vm_session.b64'));
      const keys = unwrapSession(sharedSecret(scalar, decodePoint(godh.pubkey)!), session);
      expect(keys).toEqual({ tek: read('vm_tek.bin'), tik: read('vm_tik.bin') });
      expect(session.policyMac).toEqual(policyMac(keys!.tik, Number(known.policy_argument)));
      expect(new Set([keys!.tek, keys!.tik, session.nonce, session.wrapIv].map(toHex)).size).toBe(4);
    });
  });

  it('the whole way: export, verify, session, and the AMD-SP takes it', () => {
    const seed = 'round trip';
    const { setup } = setupOf({ version: 1, title: 'owner', steps: [] }, '', { record: false, seed });
    type('platform', 'export', '--seed', seed, '--out', 'chain');
    expect(type('owner', 'verify', '--sev', 'chain', '--trust-emulated-root').status).toBe(0);
    const made = type('owner', 'session', '--name', 'my', '--policy', 'nodbg,NOKS', '--json', 'chain');
    expect(JSON.parse(made.stdout)).toEqual({
      policy: 3,
      flags: 'NODBG NOKS',
      files: { tik: 'my_tik.bin', tek: 'my_tek.bin', godh: 'my_godh.b64', session: 'my_session.b64' },
    });
    const launch = (policy: number) => {
      const { vmm } = createPipeline(setup).actors;
      vmm.initPlatform();
      const session = { godh: base64Of('my_godh.b64'), session: base64Of('my_session.b64') };
      return vmm.launch({ image: setup.image, memorySize: setup.memorySize, policy, session });
    };
    expect(launch(3).measure().measurement).toHaveLength(48);
    expect(() => launch(1)).toThrow(/LAUNCH_START failed with BAD_MEASUREMENT/);
  });

  it('draws other keys each time, unless a seed says which', () => {
    file('chain', emulated);
    const keys = (...options: string[]) => {
      const { stderr } = type('owner', 'session', '--force', ...options, 'chain');
      return { stderr, keys: NAMES.map((name) => toHex(read(name))).join() };
    };
    const [first, second] = [keys(), keys()];
    expect(first.keys).not.toBe(second.keys);
    expect(first.stderr).not.toContain('predictable');
    const seeded = keys('--seed', 's');
    expect(seeded.stderr).toMatch(/^predictable keys: everybody who knows the seed can make them too\n/);
    expect(keys('--seed', 's').keys).toBe(seeded.keys);
    expect(keys('--seed', 't').keys).not.toBe(seeded.keys);
  });

  it('tells no key', () => {
    file('chain', emulated);
    for (const options of [[], ['--json', '--force']]) {
      const { stdout, stderr } = type('owner', 'session', ...options, 'chain');
      for (const name of ['vm_tik.bin', 'vm_tek.bin']) {
        expect(stdout + stderr).not.toContain(toHex(read(name)).slice(0, 8));
      }
    }
  });

  it('overwrites nothing unless told to, and then all of it', () => {
    file('chain', emulated);
    for (const name of NAMES) {
      file(name, 'precious');
      expect(type('owner', 'session', 'chain')).toMatchObject({
        status: 3,
        stderr: expect.stringMatching(
          new RegExp(`^sevlab owner session: ${name}: expected no such file.*--force\n$`),
        ),
      });
      expect(readdirSync(folder)).toEqual(['chain', name]);
      expect(read(name)).toEqual(new TextEncoder().encode('precious'));
      rmSync(join(folder, name));
    }
    file('vm_tik.bin', 'precious');
    expect(type('owner', 'session', '--force', 'chain').status).toBe(0);
    expect(statSync(join(folder, 'vm_tik.bin'))).toMatchObject({ size: 16, mode: 0o100600 });
    expect(readdirSync(folder)).toEqual(['chain', ...NAMES]);
  });

  it('writes nothing when it cannot write all', () => {
    file('chain', emulated);
    mkdirSync(join(folder, 'vm_session.b64'));
    expect(type('owner', 'session', '--force', 'chain')).toMatchObject({
      status: 2,
      stderr: 'sevlab owner session: vm_session.b64: it is no file; expected one, or nothing\n',
    });
    expect(type('owner', 'session', '--name', 'nowhere/vm', 'chain')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /nowhere\/vm_tik\.bin: no such file; expected a place that can be written/,
      ),
    });
    expect(readdirSync(folder)).toEqual(['chain', 'vm_session.b64']);
  });

  it.each([
    ['a policy of 33 bits', ['--policy', '0x100000000', 'chain'], /--policy 0x100000000: expected 32 bits/],
    ['a negative policy', ['--policy=-1', 'chain'], /--policy -1: expected 32 bits/],
    ['a flag that is none', ['--policy', 'NODBUG', 'chain'], /--policy NODBUG: expected 32 bits.*NODBG/],
    ['a missing file', ['nowhere'], /nowhere: no such file/],
    ['a file that is no certificate', ['text'], /text: expected a PDH certificate of 2084 bytes or a chain/],
    ['a PEK', ['pek'], /pek: expected a PDH at the beginning, PUBKEY_USAGE 0x1003, got 0x1002/],
    ['a PDH whose point is not on the curve', ['off'], /off: expected a PDH with a point of P-384/],
  ])('%s is wrong usage', (_, line, message) => {
    file('chain', emulated);
    file('text', 'hello');
    file('pek', emulated.subarray(2084, 4168));
    const off = emulated.slice(0, 2084);
    off[0x20]! ^= 1;
    file('off', off);
    const { status, stdout, stderr } = type('owner', 'session', ...line);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder, 'vm_tik.bin'))).toBe(false);
  });

  it('takes a PDH alone, and base64 as libvirt gives it', () => {
    file('chain', emulated);
    const pdh = emulated.subarray(0, 2084);
    const sources = [file('pdh', pdh), file('pdh.b64', `${Buffer.from(pdh).toString('base64')}\n`), 'chain'];
    const made = sources.map((source) => {
      expect(type('owner', 'session', '--force', '--seed', 's', source).status).toBe(0);
      return toHex(read('vm_session.b64'));
    });
    expect(new Set(made).size).toBe(1);
  });
});
