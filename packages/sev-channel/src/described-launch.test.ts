import { existsSync, readFileSync } from 'node:fs';
import { concat, fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { SEV_ES_RESET_BLOCK_GUID } from '@sevlab/codec/guid';
import { LengthError } from '@sevlab/codec/layout';
import { buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { cpuSignature, type VmsaForm } from '@sevlab/codec/sev/vmsa';
import { describe, expect, test } from 'vitest';
import vectors from '../test/vectors/described-launches.json' with { type: 'json' };
import libvirt from '../test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { type DescribedLaunch, describeLaunch, initialVmsas } from './described-launch.ts';
import { describeTranscript, launchDigest } from './launch-digest.ts';

type Case = (typeof vectors.cases)[number];

const lookUp = (table: Record<string, string>, name: string): Uint8Array => fromBase64(table[name]!);

const debianPath = (firmware: string): string => `/usr/share/OVMF/${firmware}`;

/** Why the cases with a file of Debian cannot be compared here, by the file. */
const missing = new Map<string, string>();
for (const [firmware, { sha256 }] of Object.entries(vectors.debian.files)) {
  const path = debianPath(firmware);
  const bytes = existsSync(path) ? readFileSync(path) : new Uint8Array();
  if (toHex(launchDigest([{ what: path, bytes }])) === sha256) continue;
  missing.set(firmware, `NOT COMPARED: ${path} is not that of Debian's package ${vectors.debian.package}`);
}
for (const why of missing.values()) console.warn(why);

const imageOf = ({ firmware }: Case): Uint8Array =>
  firmware in vectors.debian.files
    ? new Uint8Array(readFileSync(debianPath(firmware)))
    : lookUp(vectors.firmwares, firmware);

function vmsasOf(image: Uint8Array, { vcpus }: Case, form: VmsaForm): Uint8Array[] | undefined {
  if (vcpus === undefined) return undefined;
  return initialVmsas(image, { count: vcpus.count, cpuSignature: cpuSignature(vcpus), form });
}

function launchOf(launch: Case, form = launch.vcpus?.form): DescribedLaunch {
  const image = imageOf(launch);
  const { kernel, initrd, commandLine } = launch;
  const vmsas = vmsasOf(image, launch, form === 'init2' ? 'init2' : 'legacy');
  return {
    image,
    ...(kernel !== undefined && {
      kernel: {
        kernel: lookUp(vectors.blobs, kernel),
        ...(initrd !== undefined && { initrd: lookUp(vectors.blobs, initrd) }),
        commandLine: commandLine ?? '',
      },
    }),
    ...(vmsas !== undefined && { vmsas }),
  };
}

const digestOf = (launch: DescribedLaunch): string => toHex(launchDigest(describeLaunch(launch)));

describe('the launch digests of other programs', () => {
  test.for(vectors.cases)('$from: $name', (launch, { skip }) => {
    skip(missing.has(launch.firmware), missing.get(launch.firmware));
    expect(digestOf(launchOf(launch))).toBe(launch.launch_digest);
  });

  const withVmsas = vectors.cases.filter(({ vcpus }) => vcpus !== undefined);
  test.for(withVmsas)('$from: $name: not with the other form of VMSA', (launch, { skip }) => {
    skip(missing.has(launch.firmware), missing.get(launch.firmware));
    const other = launch.vcpus?.form === 'init2' ? 'legacy' : 'init2';
    expect(digestOf(launchOf(launch, other))).not.toBe(launch.launch_digest);
  });

  test('VMSAs from files, which are those of the model', () => {
    const files = libvirt.cases.find(({ name }) => name === 'es-vmsa-2cpu')!;
    const [boot, application] = [files.vmsa0_base64, files.vmsa1_base64].map((file) => fromBase64(file!));
    const image = fromBase64(files.firmware_base64!);
    expect(digestOf({ image, vmsas: [boot!, application!] })).toBe(files.launch_digest);
    expect(digestOf({ image, vmsas: [application!, boot!] })).not.toBe(files.launch_digest);
    const milan = cpuSignature({ family: 25, model: 1, stepping: 1 });
    expect(initialVmsas(image, { count: 2, cpuSignature: milan, form: 'legacy' })).toEqual([
      boot,
      application,
    ]);

    const launch = vectors.cases.find(({ name }) => name === 'es-vmsa-16cpu-kernel')!;
    const vmsas = [boot!, ...Array.from({ length: 15 }, () => application!)];
    expect(digestOf({ ...launchOf(launch), vmsas })).toBe(launch.launch_digest);
  });

  test('no case was lost', () => {
    const count = (from: string): number => vectors.cases.filter((launch) => launch.from === from).length;
    expect(['virt-qemu-sev-validate', 'sevctl', 'sev-snp-measure'].map(count)).toEqual([12, 2, 18]);
  });
});

test('a transcript: firmware, hashes, then each vCPU', () => {
  const image = imageWith({ guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b08000') });
  const vmsas = initialVmsas(image, { count: 3, cpuSignature: 0, form: 'legacy' });
  const kernel = { kernel: Uint8Array.of(1), commandLine: 'quiet' };
  const transcript = describeTranscript(describeLaunch({ image, kernel, vmsas }));
  expect(transcript.map(({ what, length }) => [what, length])).toEqual([
    ['firmware image', 8192],
    ['kernel hashes', 176],
    ['VMSA of vCPU 0', 4096],
    ['VMSA of vCPU 1', 4096],
    ['VMSA of vCPU 2', 4096],
  ]);
  const [boot, first, second] = transcript.slice(2).map(({ sha256 }) => sha256);
  expect(first).not.toBe(boot);
  expect(second).toBe(first);
});

test('no initrd is one of no bytes; an argument that is not there is none', () => {
  const image = new Uint8Array(4096);
  const kernel = { kernel: Uint8Array.of(1), commandLine: '' };
  const digest = digestOf({ image, kernel });
  expect(digestOf({ image, kernel: { ...kernel, initrd: new Uint8Array() } })).toBe(digest);
  expect(digestOf({ image, kernel: { ...kernel, initrd: Uint8Array.of(0) } })).not.toBe(digest);
  expect(digestOf({ image, kernel: { ...kernel, commandLine: ' ' } })).not.toBe(digest);
  expect(digestOf({ image })).not.toBe(digest);
});

test.each([0, 4095, 4097])('a VMSA of %i bytes is refused, with the vCPU', (length) => {
  const vmsas = [new Uint8Array(4096), new Uint8Array(length)];
  expect(() => describeLaunch({ image: new Uint8Array(4096), vmsas })).toThrow(
    new LengthError('VMSA of vCPU 1', 4096, length),
  );
});

/** An image of zeros with these entries in its table. */
function imageWith(...entries: Parameters<typeof buildGuidedTable>[0]): Uint8Array {
  const table = buildGuidedTable(entries);
  return concat(new Uint8Array(8192 - 32 - table.length), table, new Uint8Array(32));
}

describe('an image that does not say where application processors start', () => {
  const resetBlock = (data: string) => ({ guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex(data) });
  test.each<[string, Uint8Array, RegExp]>([
    ['no table', new Uint8Array(8192), /got no table: 48 bytes before its end is 00000000-/],
    ['too short for a table', new Uint8Array(16), /got no table: the image has 16 bytes/],
    ['no reset block', lookUp(vectors.firmwares, 'made-no-reset'), /got a table without one$/],
    ['reset address 0', lookUp(vectors.firmwares, 'made-reset-zero'), /got address 0$/],
    ['a short reset block', imageWith(resetBlock('04b080')), /got one of 3 bytes instead of 4$/],
    ['a long reset block', imageWith(resetBlock('04b0800000')), /got one of 5 bytes instead of 4$/],
  ])('%s: one vCPU starts, two are refused', (_, image, message) => {
    const vcpus = { count: 1, cpuSignature: 0, form: 'init2' } as const;
    expect(initialVmsas(image, vcpus)).toHaveLength(1);
    const two = (): unknown => initialVmsas(image, { ...vcpus, count: 2 });
    expect(two).toThrow(RangeError);
    expect(two).toThrow(/^more than one vCPU: expected an SEV-ES reset block \(00f771de-/);
    expect(two).toThrow(message);
  });

  test('a damaged table says so', () => {
    const image = imageWith(resetBlock('04b08000'));
    image.fill(0xff, 8192 - 32 - 18 - 18, 8192 - 32 - 18 - 16); // the length of the only entry
    expect(() => initialVmsas(image, { count: 2, cpuSignature: 0, form: 'legacy' })).toThrow(
      /got a table without one: entry 00f771de-.* announces 65535 bytes/,
    );
  });
});

test.each([0, -1, 1.5, Number.NaN])('%d vCPUs are refused', (count) => {
  const image = imageWith({ guid: SEV_ES_RESET_BLOCK_GUID, data: fromHex('04b08000') });
  expect(() => initialVmsas(image, { count, cpuSignature: 0, form: 'legacy' })).toThrow(
    `number of vCPUs: expected an integer from 1, got ${count}`,
  );
});
