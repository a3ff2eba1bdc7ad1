import { utf8 } from '@sevlab/codec/bytes';
import type { HostCall, JsonRecord, VmmCase, VmmReply, VmmThen } from './case.ts';
import { imagePassage } from './image-passage.ts';
import type { Passage, Recorded } from './passage.ts';
import { GivenNotReached } from './target.ts';
import { FIRMWARE_FILE, vmmStart } from './vmm-start.ts';

/** A VMM that was started for one case, as its client and the kernel below it see it. */
export interface StartedVmm {
  /** What a client is greeted with; absent when the process ended at once. */
  readonly greeting: string | undefined;
  /** What comes back for these bytes, a line each, without line ends. */
  send(bytes: Uint8Array): readonly string[];
  /** What the kernel was asked so far, and how the process ended, if it did; asked for when the case wants to know. */
  look(): { readonly calls: readonly HostCall[]; readonly ended: VmmThen['ended'] };
}

/** Holds the conversation of a case. Throws GivenNotReached. */
export function converse({ given, when, then }: VmmCase, vmm: StartedVmm): VmmThen & Recorded {
  const lines: string[] = [];
  const passages: Passage[] = [startPassage(given)];
  if (vmm.greeting !== undefined) {
    if (given.negotiated === 'no') lines.push(vmm.greeting);
    const listens = given.negotiated === 'no' || negotiate(vmm);
    for (const message of listens ? when : []) {
      const answered = vmm.send(bytesOf(message));
      lines.push(...answered);
      const asked = typeof message === 'string' ? message : JSON.stringify(message);
      passages.push({ asked, answered: answered.join('\n') });
    }
  }
  const looked = then.calls !== undefined || then.ended !== undefined ? vmm.look() : undefined;
  if (looked) passages.push(lookPassage(looked));
  return {
    passages,
    replies: lines.map(replyOf),
    lines: lines.map(withoutTime),
    ...(looked && { calls: looked.calls, ended: looked.ended ?? null }),
  };
}

function startPassage(given: VmmCase['given']): Passage {
  const { arguments: words, files } = vmmStart(given);
  const bytes = [...files].flatMap(([what, content]) =>
    what === FIRMWARE_FILE ? imagePassage(content) : [{ what, bytes: content }],
  );
  return { asked: ['qemu-system-x86_64', ...words].join(' '), bytes };
}

const lookPassage = ({ calls, ended }: ReturnType<StartedVmm['look']>): Passage => ({
  asked: ended ? 'what the kernel was asked, and how it ended' : 'what the kernel was asked',
  answered: [...calls, ...(ended ? [ended] : [])].map((each) => JSON.stringify(each)).join('\n'),
});

/** False when nothing comes back: some VMMs greet before they find that they cannot start. */
function negotiate(vmm: StartedVmm): boolean {
  const [answer] = vmm.send(utf8('{"execute":"qmp_capabilities"}'));
  if (answer !== undefined && !('return' in replyOf(answer)))
    throw new GivenNotReached(`qmp_capabilities was answered with ${answer}`);
  return answer !== undefined;
}

/** Text is sent as it is, a letter a byte. */
const bytesOf = (message: string | JsonRecord): Uint8Array =>
  typeof message === 'string'
    ? Uint8Array.from(message, (letter) => letter.charCodeAt(0))
    : utf8(JSON.stringify(message));

/** Throws GivenNotReached for a line that is no object. */
function replyOf(line: string): VmmReply {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new GivenNotReached(`the VMM wrote ${JSON.stringify(line)}; expected one object of JSON in a line`);
}

/** An event's time, which no case can know. */
const withoutTime = (line: string): string =>
  line.replace(/"seconds": \d+, "microseconds": \d+/, '"seconds": 0, "microseconds": 0');
