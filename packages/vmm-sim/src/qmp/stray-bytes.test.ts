import { concat, fromHex } from '@sevlab/codec/bytes';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentMachine } from '../../test/silent-machine.ts';
import recorded from '../../test/vectors/qmp-stray-bytes.json' with { type: 'json' };
import { openSession, receive } from './monitor.ts';

const SYNC = Uint8Array.of(0x0a, 0xff, 0x0a);
const NEGOTIATE = new TextEncoder().encode('{"execute":"qmp_capabilities"}');

/** What comes back for bytes in these pieces. */
function answersTo(pieces: readonly Uint8Array[]): string[] {
  const machine = silentMachine();
  const { session } = openSession(machine);
  receive(machine, session, NEGOTIATE);
  return pieces
    .map((piece) => receive(machine, session, piece))
    .join('')
    .split('\r\n')
    .slice(0, -1);
}

test('600 messages of random pieces are answered as QEMU answers them', () => {
  expect(recorded).toHaveLength(600);
  for (const [hex, lines] of recorded as [string, string[]][])
    expect(answersTo([concat(fromHex(hex), SYNC)]), hex).toEqual(lines);
});

test('in whatever pieces they come', () => {
  const message = fc.constantFrom(...(recorded as [string, string[]][]));
  fc.assert(
    fc.property(message, fc.array(fc.nat(60), { maxLength: 6 }), ([hex, lines], cuts) => {
      const bytes = concat(fromHex(hex), SYNC);
      const at = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
      expect(answersTo(at.slice(1).map((end, i) => bytes.subarray(at[i], end)))).toEqual(lines);
    }),
  );
});

test.each([
  ['nesting', '['.repeat(1025), 'JSON nesting depth limit exceeded'],
  ['tokens', `[${'1,'.repeat(1 << 20)}`, 'JSON token count limit exceeded'],
  ['bytes of one token', `"${'a'.repeat(64 << 20)}`, 'JSON token size limit exceeded'],
  ['bytes of a message', `["${'a'.repeat(64 << 20)}"`, 'JSON token size limit exceeded'],
])('too many: %s', (_, text, desc) => {
  const [first] = answersTo([new TextEncoder().encode(text)]);
  expect(first).toBe(`{"error": {"class": "GenericError", "desc": "${desc}"}}`);
});
