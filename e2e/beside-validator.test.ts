import { spawnSync } from 'node:child_process';
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededEntropy } from '@sevlab/ambient/entropy';
import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from '@sevlab/codec/bytes';
import { readSecretTable } from '@sevlab/codec/efi/secret-table';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { POLICY_RESERVED_MASK } from '@sevlab/codec/sev/policy';
import { cpuSignature } from '@sevlab/codec/sev/vmsa';
import { buildImage } from '@sevlab/firmware-sim/image';
import { describeLaunch, initialVmsas } from '@sevlab/sev-channel/described-launch';
import { launchDigest } from '@sevlab/sev-channel/launch-digest';
import { packetMac } from '@sevlab/sev-channel/packet';
import { afterAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { optionalProgram } from './test/optional-program.ts';

const isThere = optionalProgram(
  'virt-qemu-sev-validate',
  'apt-get install --no-install-recommends libvirt-clients-qemu python3-libvirt python3-cryptography python3-lxml',
);
const base = mkdtempSync(join(tmpdir(), 'sevlab-validator-'));
afterAll(() => rmSync(base, { recursive: true }));

/** Debian's program, run by Debian's Python whatever else is first in PATH. */
const validate = (folder: string, ...line: string[]) =>
  spawnSync('/usr/bin/python3', ['/usr/bin/virt-qemu-sev-validate', ...line], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000,
  });

const image = buildImage({ layout: '202405' });

/** LAUNCH_MEASURE's answer, with node:crypto alone. */
function measurement(launch: {
  tik: Uint8Array;
  version: readonly number[];
  policy: number;
  digest: Uint8Array;
}) {
  const policy = new Uint8Array(4);
  new DataView(policy.buffer).setUint32(0, launch.policy, true);
  const mnonce = utf8('0123456789abcdef');
  const message = concat(Uint8Array.of(4, ...launch.version), policy, launch.digest, mnonce);
  return concat(createHmac('sha256', launch.tik).update(message).digest(), mnonce);
}

describe.skipIf(!isThere)('any launch', () => {
  const entropy = seededEntropy('beside the validator', 'cases');
  const below = (bound: number): number => new DataView(entropy.bytes(4).buffer).getUint32(0) % bound;
  const oneOf = <T>(...choices: readonly T[]): T => choices[below(choices.length)]!;

  const MODELS = [
    { family: 23, model: 1, stepping: 2 },
    { family: 25, model: 17, stepping: 0 },
    { family: 15, model: 6, stepping: 1 },
  ];

  /** Files in a folder, and the line that both programs are given. */
  function draw(name: string) {
    const folder = join(base, name);
    mkdirSync(folder);
    const put = (file: string, content: Uint8Array): string => {
      writeFileSync(join(folder, file), content);
      return file;
    };
    const [tik, tek] = [entropy.bytes(16), entropy.bytes(16)];
    const policy = (new DataView(entropy.bytes(4).buffer).getUint32(0) & ~POLICY_RESERVED_MASK) >>> 0;
    const version = [below(2), 17 + below(200), below(256)];
    const firmware = oneOf(image, entropy.bytes(4096));
    const es = (policy & 4) !== 0;
    const made = !es || firmware === image; // where others start is in the image
    const count = made ? 1 + below(4) : 1;
    const model = oneOf(...MODELS);
    const kernel = oneOf(undefined, entropy.bytes(1 + below(3000)));
    const initrd = kernel && oneOf(undefined, entropy.bytes(below(300)));
    const commandLine = oneOf('', 'console=ttyS0 ro', 'Ä=ü');
    const vmsas = es
      ? initialVmsas(firmware, { count, cpuSignature: cpuSignature(model), form: 'legacy' })
      : undefined;
    const digest = launchDigest(
      describeLaunch({
        image: firmware,
        ...(kernel && { kernel: { kernel, commandLine, ...(initrd && { initrd }) } }),
        ...(vmsas && { vmsas }),
      }),
    );
    const numbers = ['--api-major', '--api-minor', '--build-id'].flatMap((option, i) => [
      option,
      `${version[i]}`,
    ]);
    const asFiles = es && (!made || oneOf(true, false));
    const vcpus = !es
      ? []
      : asFiles
        ? [
            ...['--num-cpus', `${Math.max(count, 2)}`, '--vmsa-cpu0', put('vmsa0', vmsas![0]!)],
            ...['--vmsa-cpu1', put('vmsa1', vmsas![1] ?? entropy.bytes(4096))],
          ]
        : [
            ...['--num-cpus', `${count}`, '--cpu-family', `${model.family}`, '--cpu-model', `${model.model}`],
            ...['--cpu-stepping', `${model.stepping}`],
          ];
    const right = !(asFiles && count === 1); // there the line has one vCPU more than the launch
    const line = [
      ...['--measurement', toBase64(measurement({ tik, version, policy, digest })), ...numbers],
      ...['--policy', `${policy}`, '--firmware', put('fw', firmware)],
      ...['--tk', put('tk', concat(tek, tik))],
      ...(kernel ? ['--kernel', put('kernel', kernel), '--cmdline', commandLine] : []),
      ...(initrd ? ['--initrd', put('initrd', initrd)] : []),
      ...vcpus,
    ];
    const secrets = Array.from({ length: 1 + below(3) }, (_, i) => {
      const guid = i === 0 ? 'luks-key' : `0000000${i}-1111-2222-3333-444444444444`;
      return ['--inject-secret', `${guid}:${put(`secret${i}`, entropy.bytes(below(200)))}`];
    }).flat();
    return { folder, line, secrets, tik, tek, version, policy, right };
  }

  it.each(Array.from({ length: 20 }, (_, i) => i))(
    '%i: the same verdict, and the same table in the packet',
    (i) => {
      const { folder, line, secrets, tik, tek, right } = draw(`case-${i}`);
      const wrong =
        i % 4 === 3 ? ['--build-id', `${(Number(line[line.indexOf('--build-id') + 1]) + 1) % 256}`] : [];
      const files = (by: string) => ['--secret-header', `${by}.header`, '--secret-payload', `${by}.payload`];
      const theirs = validate(folder, ...line, ...wrong, ...secrets, ...files('theirs'));
      const tail = ['--tail', 'virt-qemu-sev-validate'];
      const ours = typeIn(
        folder,
        'owner',
        'secret',
        ...line,
        ...wrong,
        ...secrets,
        ...files('ours'),
        ...tail,
      );
      expect(theirs.status).toBe(right && wrong.length === 0 ? 0 : 1);
      expect({ status: ours.status, stderr: ours.stderr }).toMatchObject({ status: theirs.status });
      const measured = typeIn(folder, 'owner', 'measure', ...line, ...wrong);
      expect(measured.status).toBe(theirs.status);
      for (const key of [tik, tek])
        expect(ours.stderr + ours.stdout + measured.stderr).not.toContain(toHex(key));
      if (wrong.length > 0 && right)
        expect(measured.stderr).toMatch(/it would fit if the build id were \d+ instead of/);
      if (theirs.status !== 0) return;

      const measure = fromBase64(line[1]!).slice(0, 32);
      const open = (by: string): string => {
        const [head, data] = ['header', 'payload'].map((part) =>
          fromBase64(readFileSync(join(folder, `${by}.${part}`), 'latin1')),
        );
        const header = PacketHeader.decode(head!);
        const mac = packetMac({ tik, measure, header, guestLen: data!.length, data: data! });
        expect(toHex(mac)).toBe(toHex(header.mac));
        const cipher = createDecipheriv('aes-128-ctr', tek, header.iv);
        return toHex(new Uint8Array(cipher.update(data!)));
      };
      expect(open('ours')).toBe(open('theirs'));
      expect(readSecretTable(fromHex(open('ours'))).entries).toHaveLength(secrets.length / 2);
      const header = (by: string): string => readFileSync(join(folder, `${by}.header`), 'latin1');
      expect(header('ours')).not.toBe(header('theirs')); // another IV
      expect(openedBySevlab(folder, line[1]!)).toBe(0);
    },
  );

  const openedBySevlab = (folder: string, measured: string) =>
    typeIn(
      ...[folder, 'packet', 'open', '--header', 'theirs.header', '--payload', 'theirs.payload'],
      ...['--tek', `hex:${toHex(readFileSync(join(folder, 'tk')).subarray(0, 16))}`],
      ...['--tik', `hex:${toHex(readFileSync(join(folder, 'tk')).subarray(16))}`],
      ...['--measurement', `base64:${measured}`],
    ).status;
});

describe.skipIf(!isThere)('wrong command lines', () => {
  const folder = join(base, 'wrong');
  mkdirSync(folder);
  const tik = new Uint8Array(16).fill(1);
  const put = (file: string, content: Uint8Array | string): void =>
    writeFileSync(join(folder, file), content);
  put('fw', new Uint8Array(4096));
  put('tik', tik);
  put('tek', new Uint8Array(16).fill(2));
  put('tk', new Uint8Array(32));
  put('short', 'x');
  put('s', 'secret');
  put('page', new Uint8Array(4096));
  const digest = createHash('sha256').update(new Uint8Array(4096)).digest();
  const measured = (policy: number): string =>
    toBase64(measurement({ tik, version: [1, 55, 21], policy, digest }));

  const keys = ['--tik', 'tik', '--tek', 'tek'];
  const api = ['--api-major', '1', '--api-minor', '55', '--build-id', '21'];
  const state = (policy: number): string[] => [
    '--measurement',
    measured(policy),
    ...api,
    '--policy',
    `${policy}`,
  ];
  const good = [...state(0), '--firmware', 'fw', ...keys];
  const es = [...state(5), '--firmware', 'fw', ...keys];
  const packet = ['--secret-header', 'H', '--secret-payload', 'P'];
  const without = (option: string): string[] => {
    const at = good.indexOf(option);
    return [...good.slice(0, at), ...good.slice(at + 2)];
  };
  const inject = (...secrets: string[]): string[] => [
    ...good,
    ...packet,
    ...secrets.flatMap((secret) => ['--inject-secret', secret]),
  ];
  const model = ['--cpu-family', '25', '--cpu-model', '1', '--cpu-stepping', '1'];

  it.each<[string, string[], number]>([
    ['good', good, 0],
    ['short names of options', ['-m', measured(0), ...api, '--policy', '0', '-f', 'fw', ...keys], 0],
    ['an option twice: the last counts', ['--policy', '7', ...good], 0],
    ['nothing', [], 2],
    ...['--measurement', '--api-major', '--api-minor', '--build-id', '--policy', '--firmware', '--tik'].map(
      (option): [string, string[], number] => [`no ${option}`, without(option), 2],
    ),
    ['--tk and --tik', [...good, '--tk', 'tk'], 2],
    ['a short TEK', [...good, '--tek', 'short'], 2],
    ['a short TK', [...without('--tik').slice(0, -2), '--tk', 'short'], 2],
    ['a number that is none', [...good, '--api-minor', 'x'], 2],
    ['an option that is none', [...good, '--nope'], 2],
    ['another argument', [...good, 'more'], 2],
    ['another policy', [...good, '--policy', '1'], 1],
    ['another API', [...good, '--api-minor', '54'], 1],
    ['the keys exchanged', [...good, '--tik', 'tek', '--tek', 'tik'], 1],
    ['a measurement of 3 bytes', [...good, '--measurement', 'AAAA'], 1],
    ['a measurement without MNONCE', [...good, '--measurement', measured(0).slice(0, 40)], 1],
    ['an initrd without a kernel', [...good, '--initrd', 's'], 2],
    ['a command line without a kernel', [...good, '--cmdline', 'x'], 2],
    ['a kernel that was not measured', [...good, '--kernel', 's'], 1],
    ['vCPUs without SEV-ES', [...good, '--num-cpus', '2', '--vmsa-cpu0', 'page'], 0],
    ['SEV-ES without vCPUs', es, 2],
    ['SEV-ES without VMSAs', [...es, '--num-cpus', '2'], 2],
    ['SEV-ES without the other VMSA', [...es, '--num-cpus', '2', '--vmsa-cpu0', 'page'], 2],
    ['SEV-ES without the first VMSA', [...es, '--num-cpus', '2', '--vmsa-cpu1', 'page'], 2],
    ['SEV-ES with half a CPU model', [...es, '--num-cpus', '2', '--cpu-family', '25'], 2],
    ['SEV-ES with files and a model', [...es, '--num-cpus', '1', '--vmsa-cpu0', 'page', ...model], 2],
    [
      'SEV-ES with a short VMSA',
      [...es, '--num-cpus', '2', '--vmsa-cpu0', 'short', '--vmsa-cpu1', 'page'],
      2,
    ],
    ['SEV-ES with other VMSAs', [...es, '--num-cpus', '2', '--vmsa-cpu0', 'page', '--vmsa-cpu1', 'page'], 1],
    ['a secret', inject('luks-key:s'), 0],
    ['a secret and no header', [...good, '--inject-secret', 'luks-key:s'], 2],
    ['a secret and no payload', [...good, '--inject-secret', 'luks-key:s', '--secret-header', 'H'], 2],
    ['a secret without a file', inject('luks-key'), 2],
    ['an alias that is none', inject('disk-key:s'), 2],
    ['a GUID that is none', inject('736869e5-84f0-4973-92ec-06879ce3da0:s'), 2],
    ['a GUID twice', inject('luks-key:s', '736869e5-84f0-4973-92ec-06879ce3da0b:s'), 2],
    ['a bad measurement before a bad secret', [...inject('nope:s'), '--policy', '1'], 1],
  ])('%s', (_, line, exit) => {
    const ours = typeIn(folder, 'owner', line.includes('--inject-secret') ? 'secret' : 'measure', ...line);
    expect(validate(folder, ...line).status).toBe(exit);
    expect({ status: ours.status, stderr: ours.stderr }).toMatchObject({ status: exit });
  });

  /** Where an input ends the program with a Python exception, 6, or where it looks less closely. */
  it.each<[string, string[], theirs: number, ours: number]>([
    ['a number in hexadecimal', [...good, '--api-minor', '0x37'], 2, 0],
    ['a version that is no byte', [...good, '--build-id', '256'], 6, 2],
    ['a policy of 33 bits', [...good, '--policy', '4294967296'], 6, 2],
    ['a file that is not there', [...good, '--firmware', 'nowhere'], 6, 2],
    ['base64 that is cut off', [...good, '--measurement', 'AAAAA'], 6, 2],
    [
      'a measurement with a byte behind it',
      [...good, '--measurement', toBase64(concat(fromBase64(measured(0)), Uint8Array.of(0)))],
      0,
      1,
    ],
    ['no vCPU at all', [...es, '--num-cpus', '0', '--vmsa-cpu0', 'page'], 6, 2],
    ['others in an image without a reset block', [...es, '--num-cpus', '2', ...model], 6, 4],
    ['a secret that is not there', inject('luks-key:nowhere'), 6, 2],
    ['a place that is none', [...inject('luks-key:s'), '--secret-header', 'no/where'], 6, 2],
    ['a secret under NULL_GUID', inject('00000000-0000-0000-0000-000000000000:s'), 0, 2],
  ])('otherwise: %s', (_, line, theirs, exit) => {
    const ours = typeIn(folder, 'owner', line.includes('--inject-secret') ? 'secret' : 'measure', ...line);
    expect(validate(folder, ...line).status).toBe(theirs);
    expect({ status: ours.status, stderr: ours.stderr }).toMatchObject({ status: exit });
  });
});
