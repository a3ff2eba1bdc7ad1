import { existsSync, readFileSync } from 'node:fs';
import { fromBase64 } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import files from '../../test/vectors/qmp-conversation-files.json' with { type: 'json' };
import plain from '../../test/vectors/qmp-conversations.json' with { type: 'json' };
import more from '../../test/vectors/qmp-conversations-more.json' with { type: 'json' };
import sev from '../../test/vectors/qmp-conversations-sev.json' with { type: 'json' };
import { firstDifference } from './first-difference.ts';
import { readQmpLog } from './read-log.ts';

interface Conversation {
  readonly name: string;
  readonly argv: readonly string[];
  readonly greeting?: string | null;
  readonly exchange: readonly { readonly send: string; readonly recv: string | null }[];
}

/** Messages in pieces, or several behind one another, which a log of lines cannot have. */
const NO_LINES = ['08-framing', '21-pieces'];

const conversations = ([...plain, ...more, ...sev] as readonly Conversation[]).filter(
  ({ name, greeting }) => greeting && !NO_LINES.includes(name),
);

const linesOf = (text: string | null): readonly string[] =>
  (text ?? '').split('\r\n').filter((line) => line !== '');

/** A conversation as somebody logs it. */
const logOf = ({ greeting, exchange }: Conversation, client = '-> ', vmm = '<- '): string =>
  [
    ...linesOf(greeting ?? '').map((line) => vmm + line),
    ...exchange.flatMap(({ send, recv }) => [
      client + send.trimEnd(),
      ...linesOf(recv).map((line) => vmm + line),
    ]),
  ].join('\n');

const readFile = (path: string): Uint8Array | string => {
  const made = (files as Record<string, string>)[path.replace(/.*\//, '')];
  if (made !== undefined) return fromBase64(made);
  if (path.includes('nonexistent')) return 'No such file or directory';
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : new Uint8Array(0x20000);
};

describe('a recorded conversation has no difference', () => {
  test('these are all of them', () => {
    expect(conversations).toHaveLength(55);
  });

  test.each(conversations)('$name, with the arguments of its QEMU', (conversation) => {
    const verdict = firstDifference(readQmpLog(logOf(conversation)), {
      arguments: conversation.argv.slice(1),
      readFile,
    });
    expect(verdict.difference).toBeUndefined();
    expect(verdict.steps).toBe(conversation.exchange.length);
  });

  test.each(conversations)('$name, from the log alone', (conversation) => {
    const { difference } = firstDifference(readQmpLog(logOf(conversation)));
    expect(difference).toBeUndefined();
  });
});
