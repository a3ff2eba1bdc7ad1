import { existsSync, readFileSync } from 'node:fs';
import type { Gpa } from '@sevlab/codec/address';
import { concat, fromBase64, toHex, utf8 } from '@sevlab/codec/bytes';
import { readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { describe, expect, test } from 'vitest';
import { type RecordedCall, ScriptedCalls } from '../../test/scripted-calls.ts';
import files from '../../test/vectors/qmp-conversation-files.json' with { type: 'json' };
import plain from '../../test/vectors/qmp-conversations.json' with { type: 'json' };
import more from '../../test/vectors/qmp-conversations-more.json' with { type: 'json' };
import sev from '../../test/vectors/qmp-conversations-sev.json' with { type: 'json' };
import { parseCommandLine } from '../qemu/command-line.ts';
import type { HostPorts } from '../qemu/host-ports.ts';
import { QEMU_RELEASES, readOptions } from '../qemu/machine-options.ts';
import { QemuMachine } from '../qemu/qemu-machine.ts';
import { QemuExit } from '../qemu/sev-launch.ts';
import { openSession, receive, takeEvents } from './monitor.ts';

interface Conversation {
  readonly name: string;
  readonly argv: readonly string[];
  readonly greeting?: string | null;
  readonly exchange: readonly {
    readonly label: string | null;
    readonly send: string;
    readonly recv: string | null;
  }[];
  readonly exit: number;
  readonly stderr: string;
  readonly kvm_calls?: readonly RecordedCall[];
}

const PACKAGE = 'Debian 1:7.2+dfsg-7+deb12u18+b3';
const FOUR_GIB = 0x1_0000_0000n;

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Memory of a guest that is not encrypted, which starts as zeros. */
function createMemory() {
  const bytes = new Map<bigint, number>();
  return {
    read: (address: Gpa, length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, i) => bytes.get(address + BigInt(i)) ?? 0),
    write: (address: Gpa, written: Uint8Array): void => {
      for (const [i, byte] of written.entries()) bytes.set(address + BigInt(i), byte);
    },
  };
}

/** What differs by nature, as a pattern and what it becomes on both sides. */
const DIFFERS: readonly (readonly [why: string, pattern: RegExp, becomes: string])[] = [
  ['the time', /"seconds": \d+, "microseconds": \d+/g, '"seconds": N, "microseconds": N'],
  ['threads of a process', /("thread-id": |thread_id=)\d{3,}/g, '$1N'],
  ['host virtual addresses', /is 0x[0-9a-f]{10,}\\r/g, 'is HVA\\r'],
  [
    'which commands there are',
    /^\{"return": \[\{"name": "(device_add|query-sgx)[\s\S]*\]\}\r\n$/,
    'COMMANDS',
  ],
  ['which commands there are for people', /^\{"return": "info (balloon|chardev) [^"]*"\}\r\n$/, 'COMMANDS'],
  ['the first bytes of SeaBIOS', /(00000000fffffff0:)( 0x[0-9a-f]{2}){4}/g, '$1 SEABIOS'],
  ['a migration that nobody carries out', /("status": "completed")[\s\S]*?\}\}\r\n/g, '$1}}\r\n'],
  [
    'a reset that the guest asks for',
    /\{"timestamp": \{[^}]*\}, "event": "RESET", "data": \{"guest": true[^\n]*\n/g,
    '',
  ],
  ['a crash, which comes when it comes', /\{"timestamp": \{[^}]*\}, "event": "STOP"\}\r\n$/g, ''],
];

const alike = (text: string): string =>
  DIFFERS.reduce((rest, [, pattern, becomes]) => rest.replace(pattern, becomes), text);

/** What is not compared of standard error: warnings of this host, and what KVM says of made-up firmware. */
const errorLines = (text: string): string =>
  text.replace(
    /^.*doesn't support requested feature.*\n|^KVM internal error[\s\S]*|^.*terminating on signal.*\n/gm,
    '',
  );

function replay({ name, argv, exchange, greeting, kvm_calls = [] }: Conversation): {
  readonly greeting: string | null;
  readonly answers: readonly (string | null)[];
  readonly stderr: string;
  readonly exit: number;
  readonly missing: readonly RecordedCall[];
} {
  const memory = createMemory();
  const written = new Map<string, Uint8Array>();
  let ran = false;
  const ports: HostPorts = {
    now: () => 0n,
    readGuest: memory.read,
    writeGuest: memory.write,
    readFile: (path) => {
      const made = (files as Record<string, string>)[path.replace(/.*\//, '')];
      if (made !== undefined) return fromBase64(made);
      if (path.startsWith('/usr/share/')) return new Uint8Array(readFileSync(path));
      return path.includes('WORKDIR') ? utf8('something') : 'No such file or directory';
    },
    emptyFile: (path) => {
      if (path === '' || path.startsWith('/nonexistent/')) return 'No such file or directory';
      written.set(path, new Uint8Array());
      return undefined;
    },
    appendFile: (path, bytes) => {
      written.set(path, concat(written.get(path)!, bytes)); // only what was opened is written
      return undefined;
    },
    remark: () => {},
    exchange: () => {},
    run: () => {
      ran = kvm_calls.length > 0; // made-up firmware, which no processor can execute
    },
    reset: () => {},
  };
  const line = parseCommandLine(argv.slice(1));
  const { firmwareFile } = line;
  const options = readOptions(line, { release: QEMU_RELEASES['7.2'], package: PACKAGE }, ports);
  if (firmwareFile !== undefined)
    memory.write((FOUR_GIB - BigInt(options.firmware!.length)) as Gpa, options.firmware!);
  const told = exchange.flatMap(({ recv }) => recv?.match(/"pdh": "([^"]*)"/)?.[1] ?? [])[0];
  const [chain, id] = ['cert-chain', 'cpu0-id'].map(
    (field) => exchange.flatMap(({ recv }) => recv?.match(new RegExp(`"${field}": "([^"]*)"`))?.[1] ?? [])[0],
  );
  const calls = new ScriptedCalls(kvm_calls, {
    available: kvm_calls.length > 0,
    memory,
    certificates: {
      pdh: fromBase64(told ?? ''),
      certChain: fromBase64(chain ?? ''),
      id: fromBase64(id ?? ''),
    },
    vcpus: line.vcpus,
  });
  try {
    const machine = new QemuMachine(options, calls, ports);
    const { session, greeting: said } = openSession(machine);
    expect(said, name).toBe(greeting);
    const answers = exchange.map(({ send }) => {
      if (machine.state.exit !== undefined) return null;
      const crashes = ran;
      const answer = receive(machine, session, latin1(send));
      if (!crashes) return answer;
      ran = false;
      machine.crash();
      return answer + takeEvents(machine, session);
    });
    const { exit } = machine.state;
    const stderr = [...machine.stderr, ...(exit?.lines ?? [])].map((each) => `${each}\n`).join('');
    return { greeting: said, answers, stderr, exit: exit?.status ?? 0, missing: calls.missing };
  } catch (error) {
    if (!(error instanceof QemuExit)) throw error;
    const stderr = error.lines.map((each) => `qemu-system-x86_64: ${each}\n`).join('');
    return { greeting: null, answers: [], stderr, exit: error.status, missing: calls.missing };
  }
}

/** Conversations whose firmware is a file of Debian's, or QEMU's own. */
const lacks = ({ argv }: Conversation): string | undefined => {
  const text = argv.join(' ');
  const debian = text.match(/file=(\/usr\/share\/[^, ]*)/)?.[1];
  if (debian !== undefined && !existsSync(debian)) return `NOT COMPARED: ${debian} is not there`;
  return undefined;
};

const FIRMWARE_OF_QEMU = '39-seabios-default'; // measured there, and not here: sevlab has no SeaBIOS

describe.each([
  ['without SEV', plain as Conversation[], 15],
  ['without SEV, more of them', more as Conversation[], 8],
  ['with SEV', sev as Conversation[], 45],
])('QEMU 7.2 %s', (_, conversations, count) => {
  test('no conversation was lost', () => {
    expect(conversations).toHaveLength(count);
  });

  test.for(conversations.filter(({ name }) => name !== FIRMWARE_OF_QEMU))(
    '$name',
    (conversation, { skip }) => {
      const why = lacks(conversation);
      skip(why !== undefined, why);
      const { answers, greeting, stderr, exit, missing } = replay(conversation);
      expect(greeting).toBe(conversation.greeting ?? null);
      for (const [i, { send, label, recv }] of conversation.exchange.entries()) {
        const answer = answers[i] ?? null;
        expect(answer === null ? null : alike(answer), `${label}: ${send}`).toBe(
          recv === null ? null : alike(recv),
        );
      }
      expect(stderr).toBe(errorLines(conversation.stderr));
      expect(exit).toBe(Math.abs(conversation.exit) === 11 ? 1 : conversation.exit); // QEMU's own crash
      expect(missing).toEqual([]);
    },
  );
});

test('the images of the recordings have the tables that they were made with', () => {
  const kinds = Object.entries(files).map(([name, image]) => [name, readGuidedTable(fromBase64(image)).kind]);
  expect(Object.fromEntries(kinds)).toMatchObject({ 'notable.fd': 'none' });
  expect(toHex(fromBase64(files['amdsev.fd']).subarray(0, 1))).toHaveLength(2);
});
