import { fromBase64 } from '@sevlab/codec/bytes';
import { readForm } from '@sevlab/codec/message-form';
import { SEV_MESSAGES } from '../qemu/sev-messages.ts';
import { type LoggedMessage, membersOf } from './read-log.ts';

const REPORT_SIZE = 208;

/** What QEMU says of SEV guests only. */
const OF_SEV_GUESTS = [
  'inject refused',
  'not in LSECRET',
  'bad mnonce',
  'no report',
  'no migration',
] as const;

/** A question of the client's with its answer, where the log has one. */
export interface LoggedExchange {
  readonly command: string;
  readonly returned: unknown;
  /** The words of an error. */
  readonly desc: string | undefined;
}

/** What of a launch nobody can know beforehand, as the log tells it first. */
export interface LearntLaunch {
  readonly hasSev: boolean;
  readonly apiMajor: number;
  readonly apiMinor: number;
  readonly build: number;
  readonly policy: number;
  readonly handle: number;
  /** 48 bytes; undefined where the log has none. */
  readonly measurement: Uint8Array | undefined;
  /** Whether the guest is measured, as far as the log tells. */
  readonly isMeasured: boolean;
  readonly pdh: Uint8Array;
  readonly certChain: Uint8Array;
  readonly cpuId: Uint8Array;
  readonly cbitpos: number;
  readonly report: Uint8Array;
  /** -accel kvm, and whether KVM knows SEV. */
  readonly hasKvm: boolean;
  readonly kvmHasSev: boolean;
}

/** The questions of a log with their answers, which come in the same order. */
export function exchangesOf(messages: readonly LoggedMessage[]): readonly LoggedExchange[] {
  const answers = messages.filter(({ from }) => from === 'vmm').map(({ text }) => membersOf(text) ?? {});
  const replies = answers.filter((each) => 'return' in each || 'error' in each);
  return messages
    .filter(({ from }) => from === 'client')
    .map(({ text }, i) => {
      const { execute } = membersOf(text) ?? {};
      const { return: returned, error } = replies[i] ?? {};
      const desc = (error as { desc?: unknown } | undefined)?.desc;
      return { command: String(execute), returned, desc: typeof desc === 'string' ? desc : undefined };
    });
}

export function learnLaunch(exchanges: readonly LoggedExchange[]): LearntLaunch {
  const said = (command: string): Readonly<Record<string, unknown>> => {
    const found = exchanges.find((each) => each.command === command && isObject(each.returned));
    return isObject(found?.returned) ? found.returned : {};
  };
  const enabled = exchanges.find(
    ({ returned }) => isObject(returned) && returned.enabled === true && 'api-major' in returned,
  );
  const sev = isObject(enabled?.returned) ? enabled.returned : {};
  const capabilities = said('query-sev-capabilities');
  const measurement = bytesOf(said('query-sev-launch-measure').data);
  const refusals = exchanges.map(({ desc }) => desc ?? '');
  const isInjected = exchanges.some(
    ({ command, returned }) => command === 'sev-inject-launch-secret' && isObject(returned),
  );
  const showsSev = OF_SEV_GUESTS.some((name) =>
    refusals.some((desc) => readForm(SEV_MESSAGES[name], desc) !== undefined),
  );
  return {
    hasSev: enabled !== undefined || measurement !== undefined || isInjected || showsSev,
    ...{
      apiMajor: numberOf(sev['api-major']),
      apiMinor: numberOf(sev['api-minor']),
      build: numberOf(sev['build-id']),
    },
    ...{ policy: numberOf(sev.policy, 1), handle: numberOf(sev.handle, 1) },
    measurement,
    isMeasured: measurement !== undefined || !refusals.includes(SEV_MESSAGES['no measurement']),
    pdh: bytesOf(capabilities.pdh) ?? new Uint8Array(),
    certChain: bytesOf(capabilities['cert-chain']) ?? new Uint8Array(),
    cpuId: bytesOf(capabilities['cpu0-id']) ?? new Uint8Array(),
    cbitpos: numberOf(capabilities.cbitpos, 51),
    report: bytesOf(said('query-sev-attestation-report').data) ?? new Uint8Array(REPORT_SIZE),
    hasKvm: !refusals.includes(SEV_MESSAGES['KVM not enabled']),
    kvmHasSev: !refusals.includes(SEV_MESSAGES['no SEV in KVM']),
  };
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const numberOf = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise);

function bytesOf(value: unknown): Uint8Array | undefined {
  try {
    return typeof value === 'string' ? fromBase64(value) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
