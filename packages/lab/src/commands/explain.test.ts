import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import validated from '../../../sev-channel/test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { CommandError, EXIT } from './exit.ts';
import { addExplain } from './explain.ts';

const folder = mkdtempSync(join(tmpdir(), 'sevlab-explain-'));
let files = 0;
const file = (content: Uint8Array | string, end = ''): string => {
  const path = join(folder, `${files++}${end}`);
  writeFileSync(path, content);
  return path;
};

afterEach(() => vi.restoreAllMocks());

/** What `sevlab explain` prints, and what it refuses with. */
function explain(...words: string[]): { text: string; error?: CommandError } {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  const program = new Command().exitOverride();
  addExplain(program);
  try {
    program.parse(['explain', ...words], { from: 'user' });
    return { text };
  } catch (error) {
    if (error instanceof CommandError) return { text, error };
    throw error;
  } finally {
    vi.restoreAllMocks();
  }
}

describe('words', () => {
  test('a number below 0 is an errno, an option that is none a mistake', () => {
    for (const errno of ['-1', '-5', '-22']) expect(explain(errno).text).toMatch(/^E[A-Z]+, /);
    expect(explain('--jsn', 'EIO').error).toMatchObject({ exitCode: EXIT.usage });
    expect(explain().error).toMatchObject({ exitCode: EXIT.usage });
    expect(explain('--policy', '3', 'EIO').error).toMatchObject({ exitCode: EXIT.usage });
  });

  test('words belong together, quotes or not', () => {
    expect(explain('fw_error=11', "'Bad measurement'").text).toBe(
      explain("fw_error=11 'Bad measurement'").text,
    );
  });

  test('what is not known is 1, with what is near', () => {
    const { error, text } = explain('BAD_MESUREMENT');
    expect(error).toMatchObject({ exitCode: EXIT.no, message: expect.stringContaining('BAD_MEASUREMENT?') });
    expect(text).toBe('');
  });

  test('as JSON', () => {
    expect(JSON.parse(explain('--json', 'EIO').text)).toMatchObject({
      text: 'EIO',
      explanations: [{ kind: 'errno', what: 'EIO, 5: Input/output error' }],
    });
  });
});

/** What virt-qemu-sev-validate judged, as a host's log would have it. */
interface Validated {
  readonly name: string;
  readonly tik: string;
  readonly launch_digest: string;
  readonly api: readonly number[];
  readonly build: number;
  readonly policy: number;
  readonly measurement: string;
  readonly header?: string | undefined;
  readonly payload?: string;
  readonly firmware_base64?: string;
  readonly vmsa0_base64?: string;
  readonly vmsa1_base64?: string;
}

const caseOf = (name: string): Validated => {
  const found = (validated.cases as readonly Validated[]).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
};

const DONE = '{"return": {}}';
function logOf({ api, build, policy, measurement, header, payload }: Validated, answer = DONE): string {
  const sev = {
    enabled: true,
    'api-major': api[0],
    'api-minor': api[1],
    'build-id': build,
    policy,
    state: 'launch-secret',
    handle: 1,
  };
  const secret = { 'packet-header': header, secret: payload };
  return file(
    [
      '-> {"execute": "query-sev"}',
      `<- ${JSON.stringify({ return: sev })}`,
      '-> {"execute": "query-sev-launch-measure"}',
      `<- ${JSON.stringify({ return: { data: measurement } })}`,
      ...(header === undefined
        ? []
        : [
            `-> ${JSON.stringify({ execute: 'sev-inject-launch-secret', arguments: secret })}`,
            `<- ${answer}`,
          ]),
    ].join('\n'),
  );
}
const keys = ({ tik, launch_digest: digest }: Validated): string[] => [
  '--tik',
  `hex:${tik}`,
  '--digest',
  `hex:${digest}`,
];

describe('a log of QMP', () => {
  test.each(['secret-3', 'secret-binary'])('%s: measurement and packet are those of the keys', (name) => {
    const given = caseOf(name);
    const { text, error } = explain('--qmp', logOf(given), ...keys(given));
    expect(error).toBeUndefined();
    expect(text).toContain('3 steps, and the emulated QEMU answers the same');
    expect(text).toContain(`the measurement is that of the launch with digest ${given.launch_digest}`);
  });

  test('a packet for another launch would have been refused', () => {
    const [given, other] = [caseOf('secret-3'), caseOf('secret-10')];
    const log = logOf({ ...given, header: other.header!, payload: other.payload! });
    const { text, error } = explain('--qmp', log, ...keys(given));
    expect(error).toMatchObject({ exitCode: EXIT.no, message: expect.stringContaining(':5: step 3') });
    expect(text).toContain('BAD_MEASUREMENT, 11 (0x0b)  (the AMD-SP)');
    expect(explain('--qmp', log).error).toBeUndefined(); // nobody can tell without the key
  });

  test.each<readonly [part: string, change: Partial<Validated>, said: RegExp]>([
    ['policy', { policy: 5 }, /if the policy were 0x1/],
    ['build', { build: 20 }, /if the build id were 21/],
    ['API version', { api: [1, 54] }, /if the API version were 1\.55/],
    ['TIK', { tik: 'f'.repeat(32) }, /no single known difference/],
  ])('a measurement whose %s differs names it', (_, change, said) => {
    const given = { ...caseOf('secret-3'), ...change, header: undefined };
    const { error } = explain('--qmp', logOf(given), ...keys(given));
    expect(error).toMatchObject({ exitCode: EXIT.no, message: expect.stringMatching(said) });
    expect(error?.message).not.toContain(given.tik);
  });

  test('the number of vCPUs', () => {
    const given = caseOf('es-vmsa-2cpu');
    const image = file(Buffer.from(given.firmware_base64!, 'base64'));
    const vmsas = ['vmsa0_base64', 'vmsa1_base64'] as const;
    const [boot, other] = vmsas.map((each) => file(Buffer.from(given[each]!, 'base64')));
    const described = (cpus: string) =>
      explain(
        ...['--qmp', logOf(given), '--tik', `hex:${given.tik}`, '--firmware', image, '--num-cpus', cpus],
        ...['--vmsa-cpu0', boot!, '--vmsa-cpu1', other!],
      );
    expect(described('2').error).toBeUndefined();
    expect(described('3').error?.message).toMatch(/vCPU/);
  });

  test("QEMU's arguments behind -- are held against it too", () => {
    const log = logOf({ ...caseOf('sev-plain'), policy: 3 });
    const machine = ['-accel', 'kvm', '-machine', 'q35,confidential-guest-support=s', '-S'];
    const object = (policy: number) => [
      '-object',
      `sev-guest,id=s,cbitpos=51,reduced-phys-bits=1,policy=${policy}`,
    ];
    expect(explain('--qmp', log, '--', ...machine, ...object(3)).error).toBeUndefined();
    expect(explain('--qmp', log, '--', ...machine, ...object(1)).error?.message).toContain('step 1');
    expect(explain('--qmp', log, '--', '-machine', 'nope').error).toMatchObject({ exitCode: EXIT.usage });
  });

  test('no conversation, and no measurement', () => {
    expect(explain('--qmp', file('hello\n')).error).toMatchObject({ exitCode: EXIT.usage });
    const given = caseOf('secret-3');
    const silent = file(
      '{"execute": "query-status"}\n{"return": {"status": "prelaunch", "singlestep": false, "running": false}}',
    );
    expect(explain('--qmp', silent, ...keys(given)).error?.message).toContain('query-sev-launch-measure');
  });
});
