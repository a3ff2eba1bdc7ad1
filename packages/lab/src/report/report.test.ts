import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import ctrfSchema from '../../test/vectors/ctrf/ctrf-schema-0.0.json' with { type: 'json' };
import { ctrfReport } from './ctrf.ts';
import { junitXml } from './junit.ts';
import type { TestReport } from './test-report.ts';

const report: TestReport = {
  name: 'sevlab conform on "a & b" <c>',
  version: '0.1.0',
  tests: [
    { id: 'A-01', name: 'passes', suite: ['55766', 'LAUNCH_SECRET'], outcome: 'passed', duration: 1500 },
    {
      ...{ id: 'A-02', name: 'fails & <says> "so"', suite: ['55766', 'LAUNCH_SECRET'], outcome: 'failed' },
      ...{
        message: 'expected 1\ngot \u0000\u001b[31m2\ud800 ]]>',
        detail: '-1\n+2',
        labels: { severity: 'detail' },
      },
    },
    { id: 'B-01', name: 'is skipped', suite: ['fs/namei.c'], outcome: 'skipped', message: 'no kernel' },
    { id: 'B-02', name: 'is known', suite: ['fs/namei.c'], outcome: 'known', message: 'a defect' },
    { name: 'has no number', suite: ['55766', 'LAUNCH_SECRET'], outcome: 'passed' },
  ],
};

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const decoded = (text: string): string =>
  text.replace(/&(#\d+|\w+);/g, (_, name: string) =>
    name.startsWith('#')
      ? String.fromCodePoint(Number(name.slice(1)))
      : { amp: '&', lt: '<', gt: '>', quot: '"' }[name]!,
  );

/** Well-formed XML as we write it: no comments, no CDATA, no entities but the five. Throws Error for anything else. */
function parseXml(text: string): Element {
  const tokens = text.matchAll(
    /<\?xml version="1\.0" encoding="UTF-8"\?>\n|<(?<close>\/?)(?<tag>\w+)(?<attributes>(?: [\w-]+="(?:[^<&"\n]|&(?:amp|lt|gt|quot|#\d+);)*")*)(?<empty>\/?)>|(?<text>(?:[^<&>]|&(?:amp|lt|gt|quot|#\d+);)+)/gy,
  );
  const root: Element = { tag: '', attributes: {}, children: [], text: '' };
  const open = [root];
  let end = 0;
  for (const { 0: token, index, groups = {} } of tokens) {
    end = index + token.length;
    const top = open.at(-1)!;
    if (groups.text !== undefined) top.text += decoded(groups.text);
    else if (groups.close === '/') {
      if (open.pop()?.tag !== groups.tag) throw new Error(`</${groups.tag}> closes another element`);
    } else if (groups.tag !== undefined) {
      const pairs = [...(groups.attributes ?? '').matchAll(/ ([\w-]+)="([^"]*)"/g)];
      const attributes = Object.fromEntries(pairs.map(([, key, value]) => [key, decoded(value!)]));
      if (Object.keys(attributes).length !== pairs.length) throw new Error(`${token}: an attribute twice`);
      const element: Element = { tag: groups.tag, attributes, children: [], text: '' };
      top.children.push(element);
      if (groups.empty !== '/') open.push(element);
    }
  }
  if (end !== text.length) throw new Error(`no XML at ${end}: ${text.slice(end, end + 40)}`);
  if (open.length !== 1 || root.children.length !== 1) throw new Error('expected one root element');
  return root.children[0]!;
}

/** What an element may have: attributes, with * those that it must have, and children (junit-10.xsd of Jenkins' plugin). */
const GRAMMAR: Readonly<Record<string, readonly [attributes: string, children: string]>> = {
  testsuites: ['name time tests failures errors', 'testsuite'],
  testsuite: [
    'name* tests* failures* errors* skipped time group timestamp hostname id package file log url',
    'testsuite properties testcase system-out system-err',
  ],
  testcase: ['name* time classname group', 'skipped error failure system-out system-err'],
  failure: ['type message', ''],
  skipped: ['type message', ''],
};

function violations({ tag, attributes, children }: Element): string[] {
  const [allowed = '', within = ''] = GRAMMAR[tag] ?? [];
  const names = allowed.split(' ');
  return [
    ...(GRAMMAR[tag] ? [] : [`<${tag}>`]),
    ...Object.keys(attributes)
      .filter((name) => !names.includes(name) && !names.includes(`${name}*`))
      .map((name) => `${tag} ${name}`),
    ...names
      .filter((name) => name.endsWith('*') && !(name.slice(0, -1) in attributes))
      .map((name) => `${tag} no ${name}`),
    ...('time' in attributes && !/^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/.test(attributes.time!)
      ? ['time']
      : []),
    ...children
      .filter(({ tag: child }) => !within.split(' ').includes(child))
      .map((child) => `${child.tag} in ${tag}`),
    ...children.flatMap(violations),
  ];
}

describe('JUnit XML', () => {
  const root = parseXml(junitXml(report));

  it('is as the schema has it', () => expect(violations(root)).toEqual([]));

  it('counts', () => {
    expect(root.attributes).toMatchObject({ tests: '5', failures: '1', errors: '0', time: '1.500' });
    const [first, second] = root.children;
    expect(first?.attributes).toMatchObject({
      name: '55766 > LAUNCH_SECRET',
      tests: '3',
      failures: '1',
      skipped: '0',
    });
    expect(second?.attributes).toMatchObject({ name: 'fs/namei.c', tests: '2', failures: '0', skipped: '2' });
  });

  it('brings every name and message through', () => {
    expect(root.attributes.name).toBe(report.name);
    const [, failed] = root.children[0]!.children;
    expect(failed?.attributes.name).toBe('A-02 fails & <says> "so"');
    expect(failed?.children[0]?.attributes.message).toBe('expected 1\ngot \ufffd\ufffd[31m2\ufffd ]]>');
    expect(failed?.children[0]?.text).toBe('-1\n+2');
    const skipped = root.children[1]!.children.map(({ children }) => children[0]?.attributes.message);
    expect(skipped).toEqual(['no kernel', 'expected failure: a defect']);
  });
});

describe('CTRF', () => {
  const ajv = new Ajv({ allErrors: true, formats: { uuid: true, 'date-time': true, uri: true } });
  const validate = ajv.compile(ctrfSchema);
  const ctrf = ctrfReport(report);

  it('is as the schema has it', () => {
    expect(validate(ctrf) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...ctrf, specVersion: '1' })).toBe(false);
    expect(validate(ctrfReport({ ...report, tests: [{ ...report.tests[0]!, name: '' }] }))).toBe(false);
  });

  it('counts, and keeps what CI shows', () => {
    const { summary, tests } = ctrf.results;
    expect(summary).toMatchObject({
      tests: 5,
      passed: 2,
      failed: 1,
      skipped: 1,
      pending: 0,
      other: 1,
      suites: 2,
    });
    expect(tests.map(({ status }) => status)).toEqual(['passed', 'failed', 'skipped', 'other', 'passed']);
    expect(tests[1]).toMatchObject({ testId: 'A-02', trace: '-1\n+2', labels: { severity: 'detail' } });
  });
});
