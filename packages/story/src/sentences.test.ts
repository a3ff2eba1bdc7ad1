import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import { expect, test } from 'vitest';
import { access, type Given, recorded, recordedText, trace } from '../test/events.ts';
import { explainStatus } from './explain.ts';
import { readTrace } from './read-trace.ts';
import { describeEvent } from './sentences.ts';
import { STAGES, stageById } from './stages.ts';
import { stepsOf } from './steps.ts';

const BROKEN = /undefined|NaN|\[object|null|\s{2}|^\s|\s$/;
const steps = stepsOf(recorded.events);
const titled = (start: string) => steps.find(({ title }) => title.startsWith(start))?.sentence;

const texts = [
  ...steps.flatMap(({ title, sentence, sees, cannotSee }) => [title, sentence, sees, cannotSee]),
  ...STAGES.flatMap(({ title, what, sees, cannotSee, clause }) => [title, what, sees, cannotSee, clause]),
  ...Object.keys(SEV_STATUS).flatMap((status) => {
    const { sentence, causes } = explainStatus(status as keyof typeof SEV_STATUS); // keys of the record
    return [sentence, ...causes];
  }),
];

test('nothing is broken, and nothing shouts', () => {
  for (const text of texts) {
    expect(text).not.toMatch(BROKEN);
    expect(text).not.toContain('!');
  }
  for (const event of recorded.events) expect(describeEvent(event)).not.toMatch(/undefined|NaN|\[object/);
});

test('what the host did to bytes of a message is told by the name of the bytes', () => {
  const [session, , refused, packet] = steps
    .filter(({ title }) => title === 'The host places bytes in memory')
    .map(({ sentence }) => sentence);
  expect(session).toContain("2084 bytes (the guest owner's certificate)");
  expect(session).toContain('128 bytes (the session)');
  expect(packet).toContain('160 bytes (the packet data)');
  expect(refused).toContain('160 bytes at'); // one bit was changed: these are no message's bytes
});

test('sentences hold what the trace says', () => {
  expect(titled('PLATFORM_STATUS')).toContain('API 1.55, build 25, state INIT, number of guests 0');
  expect(titled('LAUNCH_START')).toContain('0x37010003 (NODBG NOKS API>=1.55)');
  expect(titled('ACTIVATE')).toContain('bound guest 1 to ASID 100');
  expect(titled('LAUNCH_UPDATE_DATA')).toContain('8192 bytes at sPA 0x1081fe000');
  expect(titled('LAUNCH_SECRET: a sealed')).toContain(
    '160 bytes to sPA 0x100810000 under the memory key of ASID 100',
  );
  expect(titled('The firmware hands over')).toContain(
    'GPA 0x810000, 3072 bytes. Its pages are EFI_RESERVED_TYPE',
  );
  expect(titled('The kernel finds')).toContain('CocoSecret=0x776f018');
  expect(titled('The driver')).toContain('Created 3 entries in securityfs secrets/coco');
});

test('a typed command is told by whose bytes it moved, and what the host has of them', () => {
  const ciphertext = 'In DRAM, and so for the host, these bytes are ciphertext.';
  expect(titled('Shell: ls')).toBe(
    "Root ran ls. Names and metadata come from the kernel's inodes: no byte of a secret was read.",
  );
  expect(titled('Shell: hd')).toBe(
    `Root ran hd. It read 19 bytes of e6f5a162-d67f-4750-a67c-5d065f2a9910 in the clear; the kernel took them out of private memory at that moment. ${ciphertext}`,
  );
  expect(titled('Shell: rm')).toMatch(
    /the kernel overwrote data and GUID of its entry, 35 bytes of private memory\. All of them are zero now\./,
  );
  expect(titled('Shell: rm')).not.toContain('Names and metadata');
  const decrypted = titled('Shell: decrypt-file');
  expect(decrypted).toContain('moved 1024 bytes through shared memory');
  expect(decrypted).toMatch(/The kernel wrote \d+ bytes to private memory at GPA 0x2100000\./);
  expect(decrypted).toContain('the private bytes are ciphertext'); // the shared ones need not be
  expect(decrypted).not.toContain(ciphertext);
  expect(titled('Shell: modprobe -r')).toBe(
    'Root ran modprobe. The kernel sent 1 uevent: unbind efi_secret.0. No secret was wiped: only unlink does that.',
  );
});

test('a command that fails or does nothing is told as that', () => {
  const told = (...events: Given[]) => stepsOf(trace(...events)).at(-1)?.sentence;
  expect(told({ type: 'shell', actor: 'user', command: '  ', status: 0 })).toBe('Root ran nothing.');
  expect(
    told(
      { type: 'syscall', actor: 'user', name: 'open', path: '/sys/kernel/security/x', result: '-ENOENT' },
      { type: 'shell', actor: 'user', command: 'cat /sys/kernel/security/x', status: 1 },
    ),
  ).toBe('Root ran cat, which failed with exit status 1. open of x gave -ENOENT.');
});

test('a trace without closed bytes is told with lengths, and no secret is named', () => {
  const hidden = recordedText
    .trim()
    .split('\n')
    .map((line) => {
      const parsed: { closed?: object } = JSON.parse(line);
      if (parsed.closed === undefined) return line;
      const closed = Object.fromEntries(Object.keys(parsed.closed).map((name) => [name, { length: 158 }]));
      return JSON.stringify({ ...parsed, closed });
    });
  const { events } = readTrace(hidden.join('\n'));
  const packet = stepsOf(events).find(({ title }) => title === 'The guest owner sends the sealed secrets');
  expect(packet?.sentence).toContain('The plaintext has 158 bytes.');
  expect(packet?.sentence).not.toContain('e6f5a162');
  const rm = stepsOf(events).find(({ title }) => title.startsWith('Shell: rm'));
  expect(rm?.sentence).not.toContain('are zero');
});

test('a wipe is told as one only if the bytes are zero', () => {
  const unlinked = (plain: Uint8Array) =>
    stepsOf(
      trace(
        { type: 'syscall', actor: 'user', name: 'stat', path: '/coco/x', result: 0 },
        access('kernel', 'write', '0x5000', 16, { view: 'private', closed: { plain } }),
        { type: 'syscall', actor: 'user', name: 'unlink', path: '/coco/x', result: 0 },
        { type: 'shell', actor: 'user', command: 'rm /coco/x', status: 0 },
      ),
    ).at(-1)?.sentence;
  expect(unlinked(new Uint8Array(16))).toContain('are zero');
  expect(unlinked(new Uint8Array(16).fill(1))).not.toContain('are zero');
});

test('a write of the host over private memory is told as what it is', () => {
  const guest = access('amd-sp', 'write', '0x5000', 16, { view: 'private', asid: 1 });
  const [, elsewhere] = stepsOf(trace(guest, access('host', 'write', '0x6000', 16)));
  expect(elsewhere?.title).toBe('The host places bytes in memory');
  const [, over] = stepsOf(trace(guest, access('host', 'write', '0x5010', 16)));
  expect(over?.title).toBe('The host writes over guest memory');
  expect(over?.sentence).toContain('no integrity check');
});

test('a launch without a session is told as one that proves nothing', () => {
  const buffer = new Uint8Array(40);
  const [step] = stepsOf(
    trace(
      {
        type: 'command',
        actor: 'host',
        name: 'LAUNCH_START',
        id: 0x30,
        bufferPaddr: '0x10',
        open: { buffer },
      },
      { type: 'status', actor: 'amd-sp', name: 'LAUNCH_START', status: 'SUCCESS', code: 0, open: { buffer } },
    ),
  );
  expect(step?.sentence).toContain('TEK and TIK are all zero');
  expect(step?.sentence).not.toContain('POLICY_MAC');
});

test('every command and every status can be told', () => {
  for (const name of Object.keys(COMMAND_ID)) {
    for (const [status, { code }] of Object.entries(SEV_STATUS)) {
      const [step] = stepsOf(
        trace(
          { type: 'command', actor: 'host', name, id: 1, bufferPaddr: '0x10' },
          { type: 'status', actor: 'amd-sp', name, status, code },
        ),
      );
      expect(step?.sentence).not.toMatch(BROKEN);
      expect(step?.clause).toBe(`55766, ${name}`);
      if (status !== 'SUCCESS')
        expect(step?.sentence).toContain(SEV_STATUS[status as keyof typeof SEV_STATUS].sentence);
    }
  }
});

test('stages have eight names, each once', () => {
  expect(new Set(STAGES.map(({ id }) => id)).size).toBe(8);
  for (const stage of STAGES) expect(stageById(stage.id)).toBe(stage);
});

test('statuses of the launch have causes; success has none', () => {
  expect(explainStatus('SUCCESS')).toEqual({
    status: 'SUCCESS',
    code: 0,
    sentence: 'The command completed.',
    causes: [],
  });
  const onTheWay = recorded.events.flatMap((event) => (event.type === 'precondition' ? [event.status] : []));
  for (const status of new Set(onTheWay)) {
    const { causes } = explainStatus(status as keyof typeof SEV_STATUS); // the engine gives no others
    expect(causes, status).not.toHaveLength(0);
  }
});
