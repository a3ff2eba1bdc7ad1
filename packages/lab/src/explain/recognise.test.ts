import { readFileSync } from 'node:fs';
import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { SEV_STATUS, type SevStatus } from '@sevlab/codec/sev/status';
import { ERRNO_TEXT, Errno, type ErrnoName } from '@sevlab/guest-kernel-sim/errno';
import { SUPPORT } from '@sevlab/psp-sim/support';
import { firmwareErrorText } from '@sevlab/vmm-sim/qemu/firmware-error';
import { describe, expect, test } from 'vitest';
import refusals from '../../../vmm-sim/test/vectors/qemu-refusals.json' with { type: 'json' };
import plain from '../../../vmm-sim/test/vectors/qmp-conversations.json' with { type: 'json' };
import more from '../../../vmm-sim/test/vectors/qmp-conversations-more.json' with { type: 'json' };
import sev from '../../../vmm-sim/test/vectors/qmp-conversations-sev.json' with { type: 'json' };
import { MESSAGE_FORMS } from './messages.ts';
import { nearestKnown, recognise } from './recognise.ts';

const vectors = new URL('../../../guest-kernel-sim/test/vectors/', import.meta.url);
const kinds = (line: string): readonly string[] => recognise(line).map(({ kind }) => kind);
const whats = (line: string): readonly string[] => recognise(line).map(({ what }) => what);

describe('statuses', () => {
  const statuses = Object.keys(SEV_STATUS) as SevStatus[];

  test.each(statuses)('%s by name, number and in what QEMU says', (name) => {
    const { code, sentence } = SEV_STATUS[name];
    const what = `${name}, ${code} (0x${code.toString(16).padStart(2, '0')})`;
    const said = `fw_error=${code} '${firmwareErrorText(code)}'`;
    for (const text of [name, name.toLowerCase(), said, `ret=-5 ${said}`])
      expect(whats(text)).toContain(what);
    for (const text of [`${code}`, `0x${code.toString(16)}`]) expect(whats(text)).toContain(what);
    const [found] = recognise(name);
    expect(found?.means).toContain(sentence);
    if (name !== 'SUCCESS') expect(found?.look).toBeTruthy();
  });

  test('every text of QEMU is that of the status with its number', () => {
    for (const name of statuses.filter((each) => each !== 'SUCCESS'))
      expect(whats(firmwareErrorText(SEV_STATUS[name].code))[0]).toMatch(new RegExp(`^${name},`));
  });

  test('the checks are those of the command that the line names', () => {
    const [, status] = recognise("SEV: failed to inject secret ret=-5 fw_error=11 'Bad measurement'");
    const rows = SUPPORT.LAUNCH_SECRET.command?.checks ?? [];
    const row = rows.findIndex(({ status: answer }) => answer === 'BAD_MEASUREMENT') + 1;
    expect(status?.checks).toEqual([
      {
        ...{ command: 'LAUNCH_SECRET', row, mustHold: 'MAC matches', status: 'BAD_MEASUREMENT' },
        clause: '55766, LAUNCH_SECRET',
      },
    ]);
    const all = new Set(recognise('BAD_MEASUREMENT')[0]?.checks?.map(({ command }) => command));
    expect([...all]).toEqual(expect.arrayContaining(['LAUNCH_START', 'LAUNCH_SECRET', 'RECEIVE_START']));
  });

  test('one that legacy SEV does not have', () => {
    expect(recognise("fw_error=25 'unknown error'")).toMatchObject([{ kind: 'status', what: '25 (0x19)' }]);
  });

  test('in the log of the host', () => {
    const id = `0x${COMMAND_ID.LAUNCH_SECRET.toString(16)}`;
    expect(recognise(`ccp 0000:22:00.1: sev command ${id} failed (0x0000000b)`)[0]).toMatchObject({
      what: 'BAD_MEASUREMENT, 11 (0x0b)',
      checks: [{ command: 'LAUNCH_SECRET' }],
    });
  });
});

describe('errno', () => {
  test.each(Object.keys(Errno) as ErrnoName[])('%s by name, number and text', (name) => {
    const what = `${name}, ${Errno[name]}: ${ERRNO_TEXT[name]}`;
    for (const text of [name, `-${Errno[name]}`, `${Errno[name]}`, ERRNO_TEXT[name]])
      expect(whats(text)).toContain(what);
    expect(whats(`rm: cannot remove 'x': ${ERRNO_TEXT[name]}`)).toContain(what);
  });

  test('means what the speaker means', () => {
    const [, , errno] = recognise("SEV: failed to inject secret ret=-22 fw_error=0 ''");
    expect(errno).toMatchObject({ kind: 'errno', by: expect.stringMatching(/^KVM/) });
    expect(errno?.means).toMatch(/16384/);
    const probe = recognise('efi_secret: probe of efi_secret.0 failed with error -22');
    expect(probe.at(-1)).toMatchObject({ kind: 'errno', by: expect.stringMatching(/^efi_secret/) });
  });

  test('the -1 of an ioctl is none', () => {
    expect(kinds('SEV: Failed to export PDH cert ret=-1 fw_err=1 (Platform state is invalid)')).toEqual([
      'message',
      'status',
    ]);
  });
});

describe('messages', () => {
  const conversations = [...plain, ...more, ...sev];
  const lines = conversations.flatMap(({ exchange }) =>
    exchange.flatMap(({ recv }) => recv?.split('\r\n') ?? []),
  );
  const errors = [...new Set(lines.filter((line) => line.includes('"error"')))];

  test('every error that a real QEMU answered is explained', () => {
    expect(errors.length).toBeGreaterThan(90);
    expect(errors.filter((line) => !kinds(line).includes('message'))).toEqual([]);
  });

  test('every line that a real QEMU ended with, but for those of the host and of made-up firmware', () => {
    const host =
      /doesn't support requested feature|terminating on signal|^KVM internal error|^emulation failure|^Code=|^extra data|^[A-Z][A-Z0-9]+ *=|^$/;
    const written = conversations.flatMap(({ stderr }) => stderr.split('\n'));
    const left = [...new Set(written)].filter((line) => !host.test(line) && !kinds(line).includes('message'));
    expect(left).toEqual([]);
  });

  test('every command line that a real QEMU refused', () => {
    const said = refusals.map(([, , stderr]) => String(stderr).split('\n')[0]!);
    expect(said).toHaveLength(106);
    expect([...new Set(said)].filter((line) => !kinds(line).includes('message'))).toEqual([]);
  });

  test('answers and commands are no errors', () => {
    expect(recognise('{"return": {"status": "prelaunch"}}')).toEqual([]);
    expect(recognise('{"execute": "query-sev"}')).toEqual([]);
  });

  test('every line of efi_secret that a real kernel wrote is explained', () => {
    const recorded = readFileSync(new URL('efi-secret-6.1.192.jsonl', vectors), 'utf8');
    const said = [...new Set(recorded.match(/efi_secret[^"\\]*/g))].filter((line) =>
      line.startsWith('efi_secret efi_secret.0: '),
    );
    expect(said.length).toBeGreaterThan(5);
    expect(said.filter((line) => !kinds(line).includes('message'))).toEqual([]);
  });

  test('every error of EFI that a real kernel wrote is explained', () => {
    const recorded = readFileSync(new URL('efi-tables-6.1.192.jsonl', vectors), 'utf8');
    const said = [...new Set(recorded.match(/efi: (?:[A-Z][a-z]*n't|Could|System table|Warning)[^"\\]*/g))];
    expect(said.length).toBeGreaterThan(2);
    expect(said.filter((line) => !kinds(line).includes('message'))).toEqual([]);
  });

  test('the message that says most, and the one that it quotes', () => {
    expect(whats('SEV is not enabled in KVM')).toEqual(['SEV is not enabled in KVM']);
    expect(whats('SEV is not enabled')).toEqual(['SEV is not enabled']);
    expect(whats('SEV: Failed to calculate guest address: Memory at address 0xfee00000 is not RAM')).toEqual([
      'SEV: Failed to calculate guest address: {why}',
      'Memory at address 0x{address} is not RAM',
    ]);
  });

  test.each(MESSAGE_FORMS)('no other message hides %s', (form) => {
    const said = form.replace(/\{\w+\}/g, '7');
    expect(whats(`a word in front: ${said}`)[0]).toBe(form);
  });

  test('as libvirt passes it on', () => {
    const line =
      "error: internal error: unable to execute QEMU command 'sev-inject-launch-secret': SEV: Not in correct state. (LSECRET) 3";
    expect(recognise(line)[0]).toMatchObject({
      by: 'QEMU',
      means: expect.stringContaining('before the first cont'),
    });
  });
});

describe('names', () => {
  test('GUIDs, commands and structures', () => {
    expect(recognise('{736869E5-84F0-4973-92EC-06879CE3DA0B}')).toMatchObject([
      {
        kind: 'guid',
        means: 'disk passphrase',
        look: expect.stringContaining('e5696873f084734992ec06879ce3da0b'),
      },
    ]);
    expect(kinds('11111111-2222-3333-4444-555555555555')).toEqual(['guid']);
    expect(recognise('launch_secret')[0]?.checks).toHaveLength(SUPPORT.LAUNCH_SECRET.command!.checks.length);
    expect(recognise('packet-header')).toMatchObject([
      { kind: 'structure', what: expect.stringContaining('52 bytes') },
    ]);
  });

  test('what is not known leads to what is near', () => {
    expect(recognise('BAD_MESUREMENT')).toEqual([]);
    expect(nearestKnown('BAD_MESUREMENT')).toBe('BAD_MEASUREMENT');
    expect(nearestKnown('EINVALL')).toBe('EINVAL');
    expect(nearestKnown('efi secret area is corrupt')).toBe('EFI secret area is corrupted');
    expect(nearestKnown('a cat on the keyboard')).toBeUndefined();
    expect(recognise('')).toEqual([]);
  });
});
