import { readdirSync, readFileSync } from 'node:fs';
import { toHex } from '@sevlab/codec/bytes';
import { SEV_METADATA_GUID } from '@sevlab/codec/guid';
import type { Struct } from '@sevlab/codec/layout';
import { COMMAND_BUFFERS, COMMAND_ID } from '@sevlab/codec/sev/command';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import images from '../../codec/test/vectors/ovmf/guid-tables.json' with { type: 'json' };
import schema from '../case.schema.json' with { type: 'json' };
import fileSchema from '../cases.schema.json' with { type: 'json' };
import linux from '../test/vectors/linux-areas.json' with { type: 'json' };
import {
  EFI_TABLES,
  type FirmwareCase,
  FLAGS,
  KERNEL_BUILDS,
  type KernelCase,
  SEVERITIES,
  SIGHTS,
} from './case.ts';
import { allCases, CASE_FILES } from './cases.ts';
import { clauseOf } from './clause.ts';
import { tableImageBytes } from './firmware-image.ts';
import { secretAreaBytes } from './secret-area.ts';
import { CHAIN_NAMES, VERDICTS } from './tenant-case.ts';
import { HOST_CALLS } from './vmm-case.ts';

const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
const validateFile = new Ajv2020({ allErrors: true, allowUnionTypes: true })
  .addSchema(schema)
  .compile(fileSchema);
const specificationName = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
const complaints = (value: unknown) => (validate(value) ? [] : validate.errors);

describe('the suite', () => {
  it('has 1149 cases', () => {
    const rooms = allCases().map(({ room }) => room);
    const count = (wanted: string) => rooms.filter((room) => room === wanted).length;
    const found = ['psp', 'vmm', 'tenant', 'firmware', 'kernel'].map((room) => [room, count(room)]);
    expect(Object.fromEntries(found)).toEqual({
      psp: 626,
      vmm: 169,
      tenant: 103,
      firmware: 92,
      kernel: 159,
    });
  });

  it('gives each id and each title once', () => {
    const ids = allCases().map(({ id }) => id);
    const titles = allCases().map(({ title }) => title);
    expect(ids).toEqual([...new Set(ids)]);
    expect(titles).toEqual([...new Set(titles)]);
  });

  it('ties each to a document and a title in it', () => {
    const documents = new Set(allCases().map(({ clause }) => clauseOf(clause).document));
    const named = [...documents].filter((document) => !document.includes('/'));
    expect(named.toSorted()).toEqual(['55766', 'APM volume 2', 'GRUB', 'UEFI Specification']);
    expect(clauseOf('fs/namei.c: may_delete')).toEqual({ document: 'fs/namei.c', title: 'may_delete' });
    expect(clauseOf('55766, LAUNCH_SECRET')).toEqual({ document: '55766', title: 'LAUNCH_SECRET' });
    expect(allCases().filter(({ clause }) => clauseOf(clause).title === '')).toEqual([]);
  });

  it('asks the AMD-SP something in each case, and says in one place what the last command answers', () => {
    for (const { id, ...testCase } of allCases()) {
      if (testCase.room !== 'psp') continue;
      const commands = testCase.when.filter((step) => 'command' in step);
      expect(commands.at(-1), id).toBeDefined();
      expect(commands.at(-1), id).not.toHaveProperty('expect'); // its status is in `then`
    }
  });

  it('changes only fields that the command buffer has', () => {
    const layouts: Readonly<Partial<Record<string, Struct<unknown>>>> = COMMAND_BUFFERS;
    for (const { id, ...testCase } of allCases()) {
      if (testCase.room !== 'psp') continue;
      for (const { command, fields = {} } of testCase.when.filter((step) => 'command' in step)) {
        const names = layouts[command]?.rows.map(({ name }) => specificationName(name)) ?? [];
        expect(names, `${id}, ${command}`).toEqual(expect.arrayContaining(Object.keys(fields)));
      }
    }
  });

  it('compares only what was seen', () => {
    for (const { id, ...testCase } of allCases()) {
      if (testCase.room !== 'psp') continue;
      const seen = testCase.when.flatMap((step) => ('see' in step ? [step.see] : []));
      expect(new Set(seen).size, id).toBe(seen.length);
      const answers = [testCase.then, ...(testCase.spec ? [testCase.spec.then] : [])];
      const named = answers.flatMap(({ same = [], different = [] }) => [...same, ...different].flat());
      const compared = [...named, ...testCase.when.flatMap((step) => ('see' in step && step.xor) || [])];
      expect([...new Set(compared)].toSorted(), id).toEqual(seen.toSorted());
    }
  });
});

describe('the schema', () => {
  it.each(allCases().map((testCase) => [testCase.id, testCase] as const))('holds for %s', (_, testCase) => {
    expect(complaints(testCase)).toEqual([]);
  });

  it.each([
    ['a word that nobody knows', 'notes', 'x'],
    ['a status that does not exist', 'then', { status: 'BAD_MEASURMENT' }],
    ['an expectation that nobody knows', 'then', { status: 'SUCCESS', guestStat: 'LSECRET' }],
    ['no evidence', 'evidence', []],
    ['a severity that nobody knows', 'severity', 'high'],
    ['the vocabulary of another room', 'room', 'kernel'],
    ['a packet of half a block', 'when', [{ command: 'LAUNCH_SECRET', packet: { length: 24 } }]],
  ])('refuses %s', (_, word, value) => {
    const good = allCases().find(({ id }) => id === 'LSE-01');
    expect(complaints(good)).toEqual([]);
    expect(complaints({ ...good, [word]: value })).not.toEqual([]);
  });

  it('holds for every file', () => {
    const root = new URL('../cases/', import.meta.url);
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.json'),
    );
    const notCases = ['checks.json', 'faults.json', 'gaps.json', 'tenant/platform.json'];
    const lists = files.filter((file) => !notCases.includes(file)).toSorted();
    for (const file of lists) {
      const list: unknown = JSON.parse(readFileSync(new URL(file, root), 'utf8'));
      expect(validateFile(list) ? [] : validateFile.errors, file).toEqual([]);
    }
    expect(Object.keys(CASE_FILES).toSorted()).toEqual(lists);
  });

  it('has the flags, commands, statuses, layouts and words of the types', () => {
    const { severity, pspCase, commandStep, seeStep, status, builtImage, kernelCase, kernelTables } =
      schema.$defs;
    const { hostCallName, tenantThen, chainQuestion } = schema.$defs;
    expect(severity.enum).toEqual(Object.keys(SEVERITIES));
    expect(pspCase.properties.flags.items.enum).toEqual(Object.keys(FLAGS));
    expect(commandStep.properties.command.anyOf[0]?.enum).toEqual(Object.keys(COMMAND_ID));
    expect(seeStep.properties.of.enum).toEqual(Object.keys(SIGHTS));
    expect(status.enum).toEqual(Object.keys(SEV_STATUS));
    expect(builtImage.properties.layout.enum).toEqual(Object.keys(LAYOUTS));
    expect(kernelCase.properties.given.properties.build.items.enum).toEqual(Object.keys(KERNEL_BUILDS));
    expect(hostCallName.enum).toEqual(HOST_CALLS);
    expect(tenantThen.properties.verdict.enum).toEqual(VERDICTS);
    expect(Object.keys(chainQuestion.properties.replace.properties)).toEqual(CHAIN_NAMES);
    expect(kernelTables.properties.entries.items.properties.table.enum).toEqual(Object.keys(EFI_TABLES));
  });

  it('is closed everywhere, and explains every word', () => {
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('properties' in node) {
        expect(node, path).toHaveProperty('additionalProperties', false);
        for (const [name, property] of Object.entries(node.properties ?? {})) {
          const named = '$ref' in property && Object.keys(property).length === 1;
          if (!named) expect(property, `${path}/${name}`).toHaveProperty('description');
        }
      }
      for (const [key, child] of Object.entries(node)) visit(child, `${path}/${key}`);
    };
    visit(schema, '');
  });
});

describe('firmware cases are what real images hold', () => {
  it.each([
    ['FT-01', 'OVMF.amdsev.fd', 'ovmf-amdsev 2026.08'],
    ['FT-02', '/ovmf/OVMF.fd', 'bookworm'],
    ['FT-03', 'OVMF_CODE_4M.fd', 'bookworm'],
    ['FT-04', 'OVMF_VARS.fd', 'bookworm'],
  ])('%s is %s of %s', (id, file, packaged) => {
    const recorded = images.find((each) => each.file.endsWith(file) && each.package.includes(packaged))!;
    const testCase = allCases().find((each): each is FirmwareCase => each.id === id)!;
    const { image } = testCase.given;
    if ('layout' in image) throw new Error(`${id} is built`);
    const bytes = tableImageBytes(image);
    expect(bytes.length).toBe(recorded.size);
    const end = recorded.size - 32;
    expect(toHex(bytes.subarray(end - 16, end))).toBe(recorded.last48.slice(0, 32));
    expect(toHex(bytes.subarray(end - (recorded.table_len ?? 0), end))).toBe(recorded.table_hex ?? '');
    const pointer = recorded.entries?.find(({ guid }) => guid === SEV_METADATA_GUID);
    const metadata = pointer?.metadata_hex ?? '';
    const at = pointer?.metadata_file_offset ?? 0;
    expect(toHex(bytes.subarray(at, at + metadata.length / 2))).toBe(metadata);
    expect(testCase.then.metadata === 'none' || testCase.then.metadata === undefined).toBe(metadata === '');
  });
});

const ERRNO: Readonly<Record<number, string | null>> = {
  0: null,
  [-17]: 'EEXIST',
  [-19]: 'ENODEV',
  [-22]: 'EINVAL',
};

describe('kernel cases are what real kernels answered', () => {
  it('has all recorded areas', () => expect(linux.vectors).toHaveLength(16));

  it.each(linux.vectors.map((vector) => [vector.case, vector] as const))('%s', (id, vector) => {
    const recorded = allCases().find((one): one is KernelCase => one.room === 'kernel' && one.id === id);
    expect(recorded).toBeDefined();
    const { given, then } = recorded!;
    const withoutZeros = (hex: string) => hex.replace(/(00)+$/, '');
    expect(withoutZeros(toHex(secretAreaBytes(given.area)))).toBe(withoutZeros(vector.areaHex));
    expect(Number(given.size ?? 0x10000)).toBe(vector.descriptorSize);
    expect(then.errno).toBe(ERRNO[vector.probeRet]);
    expect(then.dmesg?.map((line) => line.replace(/^<\d>/, ''))).toEqual(vector.log61);
    if (then.fileCount !== undefined) expect(then.fileCount).toBe(vector.files.length);
    if (then.files === undefined) return;
    const files = vector.files.map(({ name, data_hex: data }) => ({ name, data }));
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(then.files ?? []).toEqual(files);
  });
});
