import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fromBase64, fromHex, utf8 } from '@sevlab/codec/bytes';
import { POLICY, type PolicyFlag } from '@sevlab/codec/sev/policy';
import { systemReason } from '../system-reason.ts';
import type { Place } from './load.ts';
import type { ByteSource } from './scenario.ts';

/** A scenario does not say what it should. */
export class ScenarioError extends Error {
  /** Where in which file, when that is known. */
  readonly place: Place | undefined;
  /** What else is wrong. */
  readonly others: ScenarioError[] = [];

  constructor(message: string, place?: Place) {
    super(message);
    this.name = 'ScenarioError';
    this.place = place;
  }
}

/** What is wrong, a line each, behind its place: `FILE:LINE:COLUMN: …`, as compilers say it. */
export const describeScenarioError = (file: string, { message, place, others }: ScenarioError): string =>
  [
    place === undefined ? `${file}: ${message}` : `${place.file}:${place.line}:${place.column}: ${message}`,
    ...others.map((other) => describeScenarioError(file, other)),
  ].join('\n');

/** The name of a scenario that somebody sent from elsewhere: what lies on this machine is not for it. */
export const SENT_SCENARIO = '(sent)';

/** Files in a scenario are named from the folder that it lies in. Throws ScenarioError, which names the place. */
export function bytesOf(source: ByteSource, scenarioFile: string, place: string): Uint8Array {
  if ('text' in source) return utf8(source.text);
  if ('file' in source) return readInput(source.file, scenarioFile, place);
  if ('env' in source) return fromEnvironment(source.env, scenarioFile, place);
  try {
    return 'hex' in source ? fromHex(source.hex) : fromBase64(source.base64);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ScenarioError(`${place}: ${error.message}`);
    throw error;
  }
}

function fromEnvironment(name: string, scenarioFile: string, place: string): Uint8Array {
  expectOwn(scenarioFile, place);
  const value = process.env[name];
  if (value === undefined)
    throw new ScenarioError(
      `${place}: the environment has no ${name}; expected a variable with the bytes as text`,
    );
  return utf8(value);
}

/** A file that a scenario names. Throws ScenarioError when it is missing or unreadable. */
export function readInput(name: string, scenarioFile: string, place: string): Uint8Array {
  expectOwn(scenarioFile, place);
  const path = resolve(dirname(scenarioFile), name);
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new ScenarioError(`${path}: ${systemReason(error)}; expected a file that can be read`);
  }
}

/** Throws ScenarioError for a scenario that was sent. */
export function expectOwn(scenarioFile: string, place: string): void {
  if (scenarioFile === SENT_SCENARIO)
    throw new ScenarioError(
      `${place}: a scenario that was sent gets no files and no environment of this machine; expected bytes as text, hex or base64`,
    );
}

const UNITS: Readonly<Record<string, bigint>> = { KiB: 1n << 10n, MiB: 1n << 20n, GiB: 1n << 30n };

/** `512 MiB` → bytes. */
export function sizeOf(text: string): bigint {
  const match = /^(\d+) (KiB|MiB|GiB)$/.exec(text);
  if (match === null)
    throw new ScenarioError(
      `malformed size '${text}'; expected a number and KiB, MiB or GiB, such as '512 MiB'`,
    );
  return BigInt(match[1]!) * UNITS[match[2]!]!;
}

/** `20 s` → nanoseconds. */
export function durationOf(text: string): bigint {
  const match = /^(\d+) s$/.exec(text);
  if (match === null)
    throw new ScenarioError(`malformed duration '${text}'; expected seconds, such as '20 s'`);
  return BigInt(match[1]!) * 1_000_000_000n;
}

/** An ISO 8601 time → nanoseconds since 1970. */
export function timeOf(text: string): bigint {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) {
    throw new ScenarioError(`malformed time '${text}'; expected ISO 8601, such as 2022-06-28T11:54:05Z`);
  }
  return BigInt(milliseconds) * 1_000_000n;
}

/** `0x810000` → address. */
export function addressOf(text: string): bigint {
  if (!/^0x[0-9a-fA-F]+$/.test(text))
    throw new ScenarioError(`malformed address '${text}'; expected hexadecimal, such as 0x810000`);
  return BigInt(text);
}

/** Flags, and the lowest API version as `1.55`, as the 32 bits of a policy. Throws ScenarioError. */
export function policyOf(flags: readonly PolicyFlag[], api = '0.0'): number {
  const [major = 0, minor = 0] = /^\d+\.\d+$/.test(api) ? api.split('.').map(Number) : [];
  if (!/^\d+\.\d+$/.test(api) || major > 255 || minor > 255)
    throw new ScenarioError(
      `policyApi: expected a version of two numbers up to 255, such as 1.55; got '${api}'`,
    );
  return flags.reduce((policy, flag) => policy | POLICY[flag], (major << 16) | (minor << 24)) >>> 0;
}
