import { stripVTControlCharacters, styleText } from 'node:util';
import { toHex } from '@sevlab/codec/bytes';
import type { Actor } from '@sevlab/codec/trace';
import { STAGES, type Stage } from '@sevlab/story/stages';
import { type Step, stepsOf } from '@sevlab/story/steps';
import { bothViews } from './both-views.ts';
import type { ScenarioRun } from './scenario/run.ts';

/** Colour is trust: violet the owner, blue the silicon, green the guest, red the host, which nobody trusts. */
const COLOURS = {
  'guest-owner': 'magenta',
  'amd-sp': 'blue',
  firmware: 'green',
  kernel: 'green',
  user: 'green',
  host: 'red',
  disk: 'red',
  memory: 'gray',
} as const satisfies Record<Actor, Parameters<typeof styleText>[0]>;

/** Whether to colour was decided by the caller. */
const UNCONDITIONAL = { validateStream: false };

const NAMES: Readonly<Record<Actor, string>> = {
  'guest-owner': 'guest owner',
  'amd-sp': 'AMD Secure Processor',
  firmware: 'guest firmware',
  kernel: 'guest kernel',
  user: 'guest user space',
  host: 'host, not trusted',
  disk: 'disk of the host',
  memory: 'memory',
};

export interface DemoStyle {
  readonly colour: boolean;
  /** Columns. */
  readonly width: number;
}

/** The run in words: each stage with who acts, what it sees and what it cannot see, and the transcript in its place. */
export function* demoLines(run: ScenarioRun, { colour, width }: DemoStyle): Generator<string> {
  const paint = (actor: Actor, text: string) =>
    colour ? styleText(COLOURS[actor], text, UNCONDITIONAL) : text;
  const bold = (text: string) => (colour ? styleText('bold', text, UNCONDITIONAL) : text);
  const session = run.results.flatMap(({ step, output }) =>
    'shell' in step ? [{ command: step.shell, output }] : [],
  );
  const steps = stepsOf(run.pipeline.observer.events);

  for (const [number, stage] of STAGES.entries()) {
    const own = steps.filter((step) => step.stage === stage.id && TOLD.has(step.kind));
    if (own.length === 0) continue;
    yield '';
    yield* spread(bold(`${number + 1}  ${stage.title}`), paint(stage.actor, NAMES[stage.actor]), width);
    yield* wrap(stage.what, 3, width);
    for (const step of own) {
      yield '';
      const typed = step.kind === 'shell' ? session.shift() : undefined;
      if (typed) yield* transcript(typed.command, typed.output ?? '', paint);
      yield* stepLines(step, paint, width);
    }
    yield '';
    yield* closing(stage, bold, width);
  }
  yield '';
  yield* spread(bold('The same bytes, for the host and for the guest'), paint('host', NAMES.host), width);
  for (const { place, host, guest } of bothViews(run.pipeline)) {
    yield '';
    yield `   ${place}`;
    yield `     host   ${paint('host', hexLine(host))}`;
    yield `     guest  ${paint('user', guest === undefined ? 'not in memory: this is the disk' : hexLine(guest))}`;
  }
}

/** Steps that the demonstration tells; the trace has them all. */
const TOLD: ReadonlySet<Step['kind']> = new Set([
  'message',
  'verdict',
  'command',
  'vmrun',
  'firmware',
  'handover',
  'kernel',
  'shell',
  'stop',
]);

const hexLine = (bytes: Uint8Array): string =>
  `${toHex(bytes).replace(/../g, '$& ')} |${String.fromCharCode(...bytes.map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e)))}|`;

type Paint = (actor: Actor, text: string) => string;

function* stepLines(step: Step, paint: Paint, width: number): Generator<string> {
  const [first, ...rest] = [...wrap(step.sentence, 5, width)];
  yield `   ${paint(step.actor, '•')} ${first?.trimStart() ?? ''}`;
  yield* rest;
}

function* transcript(command: string, output: string, paint: Paint): Generator<string> {
  yield `     ${paint('user', `# ${command}`)}`;
  for (const line of output.split('\n').slice(0, -1)) yield `     ${line}`;
}

function* closing(
  { sees, cannotSee, clause }: Stage,
  bold: (text: string) => string,
  width: number,
): Generator<string> {
  for (const [label, text] of [
    ['sees', sees],
    ['cannot see', cannotSee],
    ['clause', clause],
  ] as const) {
    const [first, ...rest] = [...wrap(text, 15, width)];
    yield `   ${bold(label.padEnd(12))}${first?.trimStart() ?? ''}`;
    yield* rest;
  }
}

/** Two texts at the ends of a line, or on two lines when they are too long. */
function* spread(left: string, right: string, width: number): Generator<string> {
  const gap = width - length(left) - length(right);
  yield gap < 2 ? left : `${left}${' '.repeat(gap)}${right}`;
  if (gap < 2) yield `${' '.repeat(Math.max(0, width - length(right)))}${right}`;
}

const length = (text: string): number => stripVTControlCharacters(text).length;

/** Breaks a text at blanks, each line indented. */
function* wrap(text: string, indent: number, width: number): Generator<string> {
  let line = ' '.repeat(indent);
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      yield line;
      line = ' '.repeat(indent);
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  yield line;
}
