import { concat, fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { SEV_ES_RESET_BLOCK_GUID } from '@sevlab/codec/guid';
import { buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { cpuSignature } from '@sevlab/codec/sev/vmsa';
import { describe, expect, test } from 'vitest';
import sevTool from '../test/vectors/sev-tool-launch-blob.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-session.json' with { type: 'json' };
import validated from '../test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { type DescribedLaunch, describeLaunch, hashesTable, initialVmsas } from './described-launch.ts';
import { launchDigest } from './launch-digest.ts';
import { measureLaunch } from './measurement.ts';
import { type ClaimedLaunch, claimedDigest, explainMeasurement } from './measurement-variations.ts';
import { policyDefects, policyMacDefect } from './policy-defects.ts';

const table = buildGuidedTable([{ guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b08000') }]);
const image = new Uint8Array(8192);
image.set(table, image.length - 32 - table.length);

const milan = cpuSignature({ family: 25, model: 1, stepping: 1 });
const vmsasOf = (count: number, form: 'legacy' | 'init2' = 'legacy', signature = milan) =>
  initialVmsas(image, { count, cpuSignature: signature, form });
const kernel = { kernel: Uint8Array.of(1, 2), initrd: Uint8Array.of(3), commandLine: 'ro quiet' };
const launch: DescribedLaunch = { image, kernel, vmsas: vmsasOf(4) };

const claim: ClaimedLaunch & { contents: DescribedLaunch } = {
  tik: new Uint8Array(16).fill(1),
  tek: new Uint8Array(16).fill(2),
  version: { apiMajor: 1, apiMinor: 55, build: 25 },
  policy: 0x17_0005,
  contents: launch,
};
const mnonce = new Uint8Array(16).fill(9);

/** What is said of a measurement that was made otherwise than claimed. */
function explain(change: Partial<ClaimedLaunch>, claimed: ClaimedLaunch = claim): string | undefined {
  const { tik, version, policy, contents } = { ...claim, ...change };
  const measure = measureLaunch({ tik, version, policy, digest: claimedDigest({ contents }), mnonce });
  return explainMeasurement(claimed, { measure, mnonce })?.ifOnly;
}
const contents = (change: Partial<DescribedLaunch>) => ({ contents: { ...launch, ...change } });
const line = (commandLine: string) => contents({ kernel: { ...kernel, commandLine } });
const { version } = claim;

describe('a measurement that was made otherwise', () => {
  test.each<[string, Partial<ClaimedLaunch>]>([
    [
      'the policy were 0x7010005 instead of 0x170005: bits 15:6 are dropped and the minimum version is garbled, as sevctl 0.6.2 does',
      { policy: 0x701_0005 },
    ],
    ['the policy were 0x5 instead of 0x170005: bits 31:8 are cut off, as sev-tool 1.7 does', { policy: 5 }],
    ['the policy were 0x170004 instead of 0x170005', { policy: 0x17_0004 }],
    ['the build id were 24 instead of 25', { version: { ...version, build: 24 } }],
    ['the API version were 1.51 instead of 1.55', { version: { ...version, apiMinor: 51 } }],
    ['the API version were 0.24 instead of 1.55', { version: { ...version, apiMajor: 0, apiMinor: 24 } }],
    ['the TIK were zeros: the guest was launched without a session', { tik: new Uint8Array(16) }],
    ['TIK and TEK were exchanged', { tik: new Uint8Array(16).fill(2) }],
    [
      'the bytes of the launch digest were in the opposite order',
      { contents: launchDigest(describeLaunch(launch)).toReversed() },
    ],
    [
      'the kernel hashes were not measured: kernel-hashes is off on the host',
      { contents: { image, vmsas: launch.vmsas! } },
    ],
    ['there were no command line', line('')],
    ['the command line had a line end behind it', line('ro quiet\n')],
    ['the command line had a space behind it', line('ro quiet ')],
    ['the command line had initrd=initrd behind it', line('ro quiet initrd=initrd')],
    [
      'there were no initrd',
      contents({ kernel: { kernel: kernel.kernel, commandLine: kernel.commandLine } }),
    ],
    ['no VMSA were measured: the guest is no SEV-ES guest', contents({ vmsas: [] })],
    ['the VMSAs had the form init2 instead of legacy', contents({ vmsas: vmsasOf(4, 'init2') })],
    ['the CPU model were left out', contents({ vmsas: vmsasOf(4, 'legacy', 0) })],
    ['the CPU model were EPYC-Rome', contents({ vmsas: vmsasOf(4, 'legacy', 0x83_0f10) })],
    [
      'the CPU model were EPYC-Rome and the VMSAs had the form init2',
      contents({ vmsas: vmsasOf(4, 'init2', 0x83_0f10) }),
    ],
    ['the number of vCPUs were 3 instead of 4', contents({ vmsas: vmsasOf(3) })],
    ['the number of vCPUs were 64 instead of 4', contents({ vmsas: vmsasOf(64) })],
    [
      'the VMSA of the boot CPU and that of the others were exchanged',
      contents({ vmsas: [vmsasOf(2)[1]!, ...Array.from({ length: 3 }, () => vmsasOf(1)[0]!)] }),
    ],
  ])('%s', (ifOnly, change) => {
    expect(explain(change)).toBe(ifOnly);
  });

  const variables = new Uint8Array(0x2_0000).fill(0xff);

  test('the image without the variables in front of it', () => {
    const whole = { ...claim, contents: { ...launch, image: concat(variables, image) } };
    expect(explain({}, whole)).toBe(
      'the firmware image were without its first 131072 bytes, as OVMF_CODE.fd is OVMF.fd without the variables',
    );
    const large = { ...claim, contents: { ...launch, image: concat(new Uint8Array(0x8_4000), image) } };
    expect(explain({}, large)).toContain('without its first 540672 bytes');
  });

  test.each<[string, (measurement: Uint8Array) => Uint8Array, number]>([
    [
      'MNONCE stood in front of MEASURE instead of behind it',
      (bytes) => concat(bytes.subarray(32), bytes.subarray(0, 32)),
      9,
    ],
    [
      'the bytes of MNONCE were in the opposite order',
      (bytes) => concat(bytes.subarray(0, 32), bytes.slice(32).reverse()),
      9,
    ],
    [
      'MNONCE were zeros: another one was put in its place',
      (bytes) => concat(bytes.subarray(0, 32), mnonce),
      0,
    ],
  ])('%s', (ifOnly, change, first) => {
    const real = Uint8Array.from({ length: 16 }, (_, i) => (first === 0 ? 0 : first + i));
    const { tik, policy } = claim;
    const measure = measureLaunch({ tik, version, policy, digest: claimedDigest(claim), mnonce: real });
    const said = change(concat(measure, real));
    const found = explainMeasurement(claim, { measure: said.slice(0, 32), mnonce: said.slice(32) });
    expect(found).toEqual({ what: 'nonce', ifOnly });
  });

  test('the command line without its NUL', () => {
    const digest = launchDigest(
      describeLaunch(launch).map((each) =>
        each.what === 'kernel hashes' ? { ...each, bytes: hashesTable(kernel, '') } : each,
      ),
    );
    expect(explain({ contents: digest })).toBe('the command line were hashed without its NUL');
  });

  test('white space at the end of the command line that was given', () => {
    const claimed = { ...claim, ...line('ro quiet \n') };
    expect(explain({}, claimed)).toBe('the command line had no white space at its end');
  });

  test.each([
    [
      16,
      'the firmware version were part of it, as since API 0.17, or as libvirt and sevctl have it for every version',
    ],
    [17, 'the firmware version were not part of it, as before API 0.17'],
  ])('API 0.%i and the other message', (apiMinor, ifOnly) => {
    const old = { ...claim, version: { apiMajor: 0, apiMinor, build: 0 }, contents: new Uint8Array(32) };
    const digest = claimedDigest(old);
    const measure = measureLaunch({ ...old, digest, mnonce }, apiMinor === 16);
    expect(explainMeasurement(old, { measure, mnonce })?.ifOnly).toBe(ifOnly);
  });

  test('what nobody thought of is not explained, and neither is what is right', () => {
    expect(explain({ tik: new Uint8Array(16).fill(3) })).toBeUndefined();
    expect(explain(contents({ image: new Uint8Array(8192) }))).toBeUndefined();
    const both = { policy: 4, version: { ...version, build: 24 } };
    expect(explain(both)).toBeUndefined();
  });

  test('no key is in it', () => {
    const text = explain({ tik: new Uint8Array(16).fill(2) })!;
    for (const key of [claim.tik, claim.tek!]) expect(text).not.toContain(toHex(key));
  });

  test("of libvirt's bad measurements none is explained by chance", () => {
    const bad = validated.cases.filter(({ exit }) => exit === 1);
    expect(bad.length).toBeGreaterThan(0);
    for (const c of bad) {
      const measurement = fromBase64(c.measurement);
      if (measurement.length !== 48) continue;
      const claimed = {
        tik: fromHex(c.tik),
        tek: fromHex(c.tek),
        version: { apiMajor: c.api[0]!, apiMinor: c.api[1]!, build: c.build },
        policy: c.policy,
        contents: fromHex(c.launch_digest),
      };
      const found = explainMeasurement(claimed, {
        measure: measurement.slice(0, 32),
        mnonce: measurement.slice(32),
      });
      expect(found).toBeUndefined();
    }
  });
});

describe('what tools make of a policy', () => {
  const sessions = [
    ...sevctl.cases.map((c) => ({
      by: 'sevctl 0.6.2',
      policy: Number(c.policy_argument),
      inMac: Number(c.policy_in_mac[0]),
      session: c['session.b64'],
      tik: fromHex(c['tik.bin']),
    })),
    ...sevTool.cases.map((c) => ({
      by: 'sev-tool 1.7',
      policy: c.policy_meant,
      inMac: c.policy_in_the_mac,
      session: c['launch_blob.bin'],
      tik: fromHex(c['tmp_tk.bin'].slice(32)),
    })),
  ];
  const garbled = sessions.filter(({ policy, inMac }) => policy !== inMac);

  test('both have cases', () => {
    expect(new Set(garbled.map(({ by }) => by))).toEqual(new Set(['sevctl 0.6.2', 'sev-tool 1.7']));
  });

  test.each(garbled)(
    '$by, $policy: found in the MAC of its own session',
    ({ policy, inMac, session, tik }) => {
      const mac = fromBase64(session).slice(0x60);
      expect(policyMacDefect(tik, policy, mac)?.policy).toBe(inMac);
    },
  );

  test.each(sessions)(
    '$by, $policy: one of its known defects, unless it was right',
    ({ by, policy, inMac }) => {
      const own = policyDefects(policy).filter((defect) => defect.by === by);
      if (policy === inMac) expect(own).toEqual([]);
      else expect(policyDefects(policy).map((defect) => defect.policy)).toContain(inMac);
    },
  );

  test('the flags alone are left as they are by everybody', () => {
    for (let policy = 0; policy < 0x40; policy++)
      expect(policyDefects(policy).map(({ how }) => how)).toEqual(
        policy === 0 ? [] : ['its bytes are in big-endian order'],
      );
  });
});
