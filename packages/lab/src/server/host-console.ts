import { gpa, hexAddress, isAligned, spa } from '@sevlab/codec/address';
import { fromHex, toHex } from '@sevlab/codec/bytes';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { statusCode } from '@sevlab/codec/sev/status';
import { place as placeBytes, ring } from '@sevlab/vmm-sim/command-buffer';
import type { Pipeline } from '../pipeline.ts';
import { attack } from '../scenario/attack.ts';
import type { Attack, Scenario } from '../scenario/scenario.ts';
import { validateScenario } from '../scenario/validate.ts';
import { ScenarioError, SENT_SCENARIO } from '../scenario/values.ts';
import { cellsOf, guestOf, readCells, type Target, writeCells } from './host-memory.ts';
import { badField } from './http-problem.ts';
import { attempt } from './refusal.ts';
import type { Session } from './session.ts';

/** One thing that the host does; its schema is hostBody. */
export type HostAct =
  | { readonly read: Target & { readonly length: number } }
  | { readonly write: Target & { readonly hex: string } }
  /** Into host memory that nobody uses, such as for a command to point at. */
  | { readonly place: { readonly hex: string } }
  | { readonly save: Target & { readonly as: string; readonly length: number } }
  | { readonly replay: Target & { readonly from: string } }
  | { readonly remap: { readonly gpa: string; readonly spa: string } }
  | {
      readonly command: ({ readonly name: CommandName } | { readonly id: number }) & {
        readonly buffer?: string;
      };
    }
  | { readonly attack: object };

/** Buffers of commands lie on pages of their own. Bytes. */
const PAGE = 4096;

/**
 * Does it, with all that the machine lets a host do. Returns what the host learns, or `refusal`. Throws HttpProblem and
 * ScenarioError.
 */
export function actAsHost(session: Session, act: HostAct): object {
  session.expectRoom();
  try {
    const { refusal, ...learnt } = attempt('host', () => carryOut(session, act));
    return refusal === undefined ? learnt : { refusal };
  } finally {
    session.log.wake();
  }
}

function carryOut(session: Session, act: HostAct): object {
  const pipeline = session.switchOn();
  const { schemes } = session;
  const { host } = pipeline.actors.machine;
  const tell = (name: string): void =>
    pipeline.observer.observe('host', 'host', () => ({ type: 'attack', name }));
  if ('read' in act)
    return { hex: toHex(readCells(pipeline, cellsOf(pipeline, 'read', act.read, act.read.length))) };
  if ('write' in act) {
    const bytes = fromHex(act.write.hex);
    const cells = cellsOf(pipeline, 'write', act.write, bytes.length);
    tell('write');
    return writeCells(pipeline, cells, bytes);
  }
  if ('place' in act) {
    const { state } = pipeline.actors.vmm;
    return { spa: hexAddress(placeBytes(host, state.buffers, fromHex(act.place.hex), PAGE)) };
  }
  if ('save' in act) {
    const { as, length } = act.save;
    const cells = cellsOf(pipeline, 'save', act.save, length);
    tell('save');
    const saved = readCells(pipeline, cells);
    schemes.saved.set(as, saved);
    return { as, hex: toHex(saved) };
  }
  if ('replay' in act) {
    const { from } = act.replay;
    const saved = schemes.saved.get(from);
    if (saved === undefined)
      throw badField('replay.from', `nothing was saved as '${from}'`, {
        expected: [...schemes.saved.keys()].join(', ') || 'a name of a save before',
      });
    const cells = cellsOf(pipeline, 'replay', act.replay, saved.length);
    tell('restore');
    return writeCells(pipeline, cells, saved);
  }
  if ('remap' in act) return remap(pipeline, act.remap, tell);
  if ('command' in act) return command(pipeline, act.command, tell);
  return attackAs(session, act.attack);
}

function remap(
  pipeline: Pipeline,
  act: Extract<HostAct, { remap: unknown }>['remap'],
  tell: (name: string) => void,
): object {
  const [page, to] = (['gpa', 'spa'] as const).map((name) => {
    const address = BigInt(act[name]);
    if (isAligned(address, PAGE)) return address;
    throw badField(`remap.${name}`, 'it is not the start of a page', {
      expected: `a multiple of ${PAGE}`,
      got: act[name],
    });
  }) as [bigint, bigint]; // there are two
  const guest = guestOf(pipeline, 'remap');
  tell('remap');
  pipeline.actors.machine.host.remap(guest, gpa(page), spa(to));
  return {};
}

/** Any command with any bytes for its buffer; what the AMD-SP leaves there comes back. */
function command(
  pipeline: Pipeline,
  act: Extract<HostAct, { command: unknown }>['command'],
  tell: (name: string) => void,
): object {
  const { host, state } = pipeline.actors.vmm;
  const id = 'name' in act ? COMMAND_ID[act.name] : act.id;
  const bytes = fromHex(act.buffer ?? '');
  tell('name' in act ? act.name : `0x${id.toString(16)}`);
  const at = bytes.length === 0 ? spa(0n) : placeBytes(host, state.buffers, bytes, PAGE);
  const status = ring(host, id, at);
  return {
    status,
    code: statusCode(status),
    buffer: bytes.length === 0 ? '' : toHex(host.memory.read(at, bytes.length)),
    spa: hexAddress(at),
  };
}

/** An attack in the words of scenario files, on the step to come or on what is there. */
function attackAs(session: Session, wanted: object): object {
  const { schemes } = session;
  const step = { attack: wanted as Attack }; // which is looked at next
  expectAttack({ version: 1, title: 'attack', steps: [step] });
  const before = new Set(schemes.saved.keys());
  const status = attack(session.switchOn(), step.attack, { schemes, file: SENT_SCENARIO });
  const learnt = [...schemes.saved].filter(([name]) => !before.has(name));
  return {
    status,
    kept: Object.fromEntries(learnt.map(([name, bytes]) => [name, toHex(bytes)])),
  };
}

/** Throws ScenarioError, which names fields from `attack` on. */
function expectAttack(asked: Scenario): void {
  try {
    validateScenario(asked);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new ScenarioError(error.message.replace(/^steps\[0\]\./, ''));
  }
}
