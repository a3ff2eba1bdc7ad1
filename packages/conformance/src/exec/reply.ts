import { fromHex } from '@sevlab/codec/bytes';
import { NotHere } from '../target.ts';
import type { Request } from './protocol.ts';

/** Sends a request and gives what came back. Throws ProgramTrouble. */
export type Ask<R extends Request = Request> = (request: R) => unknown;

export type Reply = Readonly<Record<string, unknown>>;

/** An answer that is not as the protocol has it. The program can be asked again. */
export class WrongAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WrongAnswer';
  }
}

/** A case that turned out not to be for the program. */
export class Skipped extends Error {
  readonly notHere: NotHere;

  constructor(reason: string) {
    super(reason);
    this.name = 'Skipped';
    this.notHere = new NotHere(reason);
  }
}

/** The object that the program answered. Throws Skipped, WrongAnswer, ProgramTrouble. */
export function askObject<R extends Request>(ask: Ask<R>, request: R): Reply {
  const reply = ask(request);
  const what = 'do' in request ? request.do : 'the greeting';
  if (!isObject(reply)) throw new WrongAnswer(`it answered ${what} with ${shown(reply)}; expected an object`);
  if ('skip' in reply) throw new Skipped(String(reply.skip));
  if ('error' in reply) throw new WrongAnswer(`it answered ${what} with the error ${shown(reply.error)}`);
  return reply;
}

/** Throws WrongAnswer unless there are bytes under that name, so many of them where a length is given. */
export function bytesOf(reply: Reply, name: string, length?: number): Uint8Array {
  const value = reply[name];
  const isHex = typeof value === 'string' && /^([0-9a-f]{2})*$/i.test(value);
  if (isHex && (length === undefined || value.length === 2 * length)) return fromHex(value);
  const got = typeof value === 'string' && value.length > 40 ? `${value.length} characters` : shown(value);
  const wanted = length === undefined ? 'bytes' : `${length} bytes`;
  throw new WrongAnswer(`${name}: expected ${wanted} in hexadecimal, got ${got}`);
}

/** A complaint about a part of an answer. */
export const unexpected = (name: string, expected: string, got: unknown): WrongAnswer =>
  new WrongAnswer(`${name}: expected ${expected}, got ${shown(got)}`);

export const isObject = (value: unknown): value is Reply =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};
