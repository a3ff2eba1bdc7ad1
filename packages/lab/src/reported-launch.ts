import { fromBase64 } from '@sevlab/codec/bytes';
import type { FirmwareVersion } from '@sevlab/sev-channel/measurement';
import { printable, type QmpClient } from './qmp-client.ts';

/** What a host says of a guest. Nothing of it is true before the measurement was verified. */
export interface ReportedLaunch {
  readonly version: FirmwareVersion;
  /** 32 bits. */
  readonly policy: number;
  /** QEMU's SevState, such as `launch-secret`. */
  readonly state: string;
  /** Whether its CPUs run. */
  readonly running: boolean;
}

/** An answer that is none of the kind that QEMU gives. */
export class StrangeAnswer extends Error {
  constructor(command: string, expected: string) {
    super(`${command}: expected ${expected}, got something else`);
    this.name = 'StrangeAnswer';
  }
}

/** Undefined when the guest is no SEV guest. Throws StrangeAnswer, and as the client does. */
export async function askLaunch(client: QmpClient): Promise<ReportedLaunch | undefined> {
  const sev = membersOf('query-sev', await client.ask('query-sev'));
  if (sev.enabled !== true) return undefined;
  const status = membersOf('query-status', await client.ask('query-status'));
  const number = (key: string, max: number): number => {
    const value = sev[key];
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value;
    throw new StrangeAnswer('query-sev', `${key} from 0 to ${max}`);
  };
  const version = { apiMajor: number('api-major', 255), apiMinor: number('api-minor', 255) };
  return {
    version: { ...version, build: number('build-id', 255) },
    policy: number('policy', 0xffff_ffff),
    state: printable(String(sev.state)),
    running: status.running === true,
  };
}

/** What LAUNCH_MEASURE gave, as the host passes it on: any number of bytes. Throws StrangeAnswer, and as the client does. */
export async function askMeasurement(client: QmpClient): Promise<Uint8Array> {
  const command = 'query-sev-launch-measure';
  const { data } = membersOf(command, await client.ask(command));
  try {
    if (typeof data === 'string') return fromBase64(data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StrangeAnswer(command, 'data in base64');
}

function membersOf(command: string, answer: unknown): Readonly<Record<string, unknown>> {
  if (typeof answer === 'object' && answer !== null) return { ...answer };
  throw new StrangeAnswer(command, 'an object');
}
