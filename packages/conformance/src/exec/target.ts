import type { Case, KernelCase, KernelThen, PspCase } from '../case.ts';
import { GivenNotReached, NotHere, type Outcome, PartAnswer, type Target } from '../target.ts';
import { kernelAnswer } from '../targets/kernel-answer.ts';
import { examinePsp } from '../targets/sim-psp.ts';
import { converse } from '../vmm-answer.ts';
import { kernelRequest } from './kernel-request.ts';
import { LineProgram, ProgramTrouble } from './line-program.ts';
import {
  EXEC_FIRMWARES,
  EXEC_ROOMS,
  type ExecFirmware,
  type ExecRoom,
  type Introduction,
  type KernelReply,
  PROTOCOL,
  PROTOCOL_VERSION,
  SEEING,
  type Seeing,
} from './protocol.ts';
import { remotePlatform } from './remote-platform.ts';
import { askTenant } from './remote-tenant.ts';
import { remoteVmm } from './remote-vmm.ts';
import { type Ask, askObject, isObject, type Reply, Skipped, unexpected, WrongAnswer } from './reply.ts';

export interface ExecOptions {
  /** How long an answer may take, in seconds. Default: 10. */
  readonly timeout?: number;
}

/**
 * Somebody else's program that speaks the line protocol. It is started at once, and again after it came to an end in a
 * case, which fails then. Throws ProgramTrouble when it does not introduce itself.
 */
export async function execTarget(command: string, { timeout = 10 }: ExecOptions = {}): Promise<Target> {
  const { program, introduction } = await start(command, timeout);
  let running: LineProgram | undefined = program;
  const { name, rooms, firmware = 'genoa-1.55' } = introduction;

  const answer = async (testCase: Case): Promise<Outcome> => {
    running ??= (await start(command, timeout)).program;
    const asked = running;
    try {
      return answerOf(testCase, (request) => asked.ask(request), introduction);
    } catch (error) {
      if (error instanceof Skipped) return error.notHere;
      if (error instanceof GivenNotReached) return error;
      if (error instanceof WrongAnswer) return new GivenNotReached(error.message);
      if (!(error instanceof ProgramTrouble)) throw error;
      running = undefined;
      return new GivenNotReached(await told(error, asked));
    }
  };
  return {
    name,
    ...(firmware === 'spec' && { profile: firmware }),
    answers: async (cases) => {
      const outcomes: Outcome[] = [];
      for (const testCase of cases) {
        outcomes.push(whyNot(testCase, rooms, firmware) ?? (await answer(testCase)));
      }
      await running?.end();
      running = undefined;
      return outcomes;
    },
  };
}

async function start(command: string, timeout: number) {
  const program = new LineProgram(command, timeout);
  try {
    const greeting = { protocol: PROTOCOL, version: PROTOCOL_VERSION } as const;
    return { program, introduction: introductionOf(askObject((line) => program.ask(line), greeting)) };
  } catch (error) {
    if (error instanceof ProgramTrouble) throw new ProgramTrouble(await told(error, program));
    await program.end();
    if (error instanceof WrongAnswer || error instanceof Skipped) throw new ProgramTrouble(error.message);
    throw error;
  }
}

/** What happened, and how the program ended where it did so itself. */
async function told({ message }: ProgramTrouble, program: LineProgram): Promise<string> {
  const how = await program.end();
  return message.startsWith('it ended') ? `${message}; it ended ${how}` : message;
}

function introductionOf(reply: Reply): Introduction {
  const { protocol, version, name, rooms, sees, firmware } = reply;
  if (protocol !== PROTOCOL || version !== PROTOCOL_VERSION)
    throw unexpected('protocol and version', `${PROTOCOL} ${PROTOCOL_VERSION}`, `${protocol} ${version}`);
  if (typeof name !== 'string' || name === '') throw unexpected('name', 'what to call the program', name);
  return {
    ...{ protocol, version, name },
    rooms: wordsOf('rooms', EXEC_ROOMS, rooms),
    ...(sees !== undefined && { sees: wordsOf('sees', SEEING, sees) }),
    ...(firmware !== undefined && { firmware: wordsOf('firmware', EXEC_FIRMWARES, [firmware])[0]! }),
  };
}

function wordsOf<W extends string>(name: string, known: readonly W[], given: unknown): W[] {
  const words = Array.isArray(given) ? known.filter((word) => given.includes(word)) : [];
  if (!Array.isArray(given) || given.length === 0 || words.length !== given.length)
    throw unexpected(name, `some of ${known.join(', ')}`, given);
  return words;
}

/** Why a case is not for the program. */
function whyNot(testCase: Case, rooms: readonly ExecRoom[], firmware: ExecFirmware): NotHere | undefined {
  const room = rooms.find((each) => each === testCase.room);
  if (room === undefined) return new NotHere(`it has no ${testCase.room}`, true);
  if (testCase.room !== 'psp') return undefined;
  const wanted = testCase.given.firmware ?? (firmware === 'spec' ? 'spec' : 'genoa-1.55');
  return wanted === firmware ? undefined : new NotHere(`it is like ${firmware}, not ${wanted}`);
}

function answerOf(testCase: Case, ask: Ask, introduction: Introduction): Outcome {
  switch (testCase.room) {
    case 'psp':
      return answerOfPsp(testCase, ask);
    case 'kernel':
      return answerOfKernel(testCase, ask, introduction);
    case 'vmm':
      return converse(testCase, remoteVmm(ask, testCase));
    case 'tenant':
      return askTenant(ask, testCase);
    case 'firmware':
      return new NotHere('the protocol has no firmware images');
  }
}

const answerOfPsp = (testCase: PspCase, ask: Ask): Outcome =>
  examinePsp(testCase, remotePlatform(ask, testCase.id));

/** What an adapter must see for each thing that a case asks; `errno` and `bound` are in `probe`. */
const NEEDED: Readonly<Record<Exclude<keyof KernelThen, 'errno' | 'bound'>, readonly Seeing[]>> = {
  dmesg: ['dmesg'],
  debug: ['dmesg'],
  files: ['dir', 'read'],
  fileCount: ['dir', 'read'],
  operations: ['ops'],
  areaAfter: ['area_after'],
  efi: ['boot'],
  e820: ['boot'],
  ioremap: ['boot'],
  device: ['boot'],
  iomem: ['boot'],
};

function answerOfKernel(testCase: KernelCase, ask: Ask, { sees }: Introduction): Outcome {
  const { tables } = testCase.given;
  const seen = (sees ?? SEEING).filter((word) => word !== 'boot' || tables !== undefined);
  if (testCase.when.length > 0 && !seen.includes('ops')) return new NotHere('it performs no operations');
  const request = kernelRequest(testCase);
  const { operations, area } = request;
  const reply = askObject(ask, request);
  expectKernelReply(reply, seen, operations.length);
  const whole = {
    name: testCase.id,
    blob_len: area.length / 2,
    dmesg: [],
    dir: [],
    read: [],
    area_after: [],
  };
  const answer = kernelAnswer({ ...whole, ...reply, down: { op: 'unload' } }, testCase.then);
  const unseen = (Object.keys(NEEDED) as (keyof typeof NEEDED)[]) // keys of a literal
    .filter((key) => testCase.then[key] !== undefined && !NEEDED[key].every((word) => seen.includes(word)));
  return unseen.length === 0 ? answer : new PartAnswer(answer, unseen);
}

/** Looks at the parts of the answer that are promised. Throws WrongAnswer. */
function expectKernelReply(
  reply: Reply,
  seen: readonly Seeing[],
  operations: number,
): asserts reply is Reply & KernelReply {
  const { probe } = reply;
  if (!isObject(probe)) throw unexpected('probe', 'an object with `bound`, and `err` on failure', probe);
  const wanted: Readonly<Record<Seeing, (value: unknown) => boolean>> = {
    dmesg: (value) => Array.isArray(value) && value.every((line) => typeof line === 'string'),
    dir: (value) => Array.isArray(value) || typeof value === 'string',
    read: (value) => Array.isArray(value) && value.every(isObject),
    ops: (value) =>
      operations === 0 || (Array.isArray(value) && value.length === operations && value.every(isObject)),
    area_after: (value) => Array.isArray(value) && value.every(isRun),
    boot: (value) => isObject(value) && Array.isArray(value.log) && Array.isArray(value.iomem),
  };
  for (const word of seen) {
    if (!wanted[word](reply[word])) throw unexpected(word, KINDS[word], reply[word]);
  }
}

const KINDS: Readonly<Record<Seeing, string>> = {
  dmesg: 'lines of text',
  dir: 'entries, or the name of an errno',
  read: 'an object for each file',
  ops: 'an object for each operation',
  area_after: 'pairs of offset and bytes in hexadecimal',
  boot: 'an object with log, device and iomem',
};

const isRun = (value: unknown): boolean =>
  Array.isArray(value) &&
  typeof value[0] === 'number' &&
  (isObject(value[1]) || /^([0-9a-f]{2})*$/.test(String(value[1])));
