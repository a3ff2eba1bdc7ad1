import { concat } from '@sevlab/codec/bytes';
import { type DescribedLaunch, describeLaunch } from './described-launch.ts';
import { launchDigest } from './launch-digest.ts';
import { launchVariations, type Variation } from './launch-variations.ts';
import { macEqual } from './mac.ts';
import { bindsLaunch, type FirmwareVersion, measureLaunch } from './measurement.ts';
import { policyDefects } from './policy-defects.ts';

/** A launch as the guest owner believes it to be. */
export interface ClaimedLaunch {
  /** 16 bytes, as `tek`, which is only ever tried in its place. */
  readonly tik: Uint8Array;
  readonly tek?: Uint8Array;
  readonly version: FirmwareVersion;
  readonly policy: number;
  /** What it is started with, or only the launch digest, 32 bytes. */
  readonly contents: DescribedLaunch | Uint8Array;
}

/** The launch digest that the guest owner expects, 32 bytes. */
export const claimedDigest = ({ contents }: Pick<ClaimedLaunch, 'contents'>): Uint8Array =>
  contents instanceof Uint8Array ? contents : launchDigest(describeLaunch(contents));

/** One change of the claim, and what MEASURE would be then. */
interface Candidate extends Variation {
  readonly measure: () => Uint8Array;
  /** What the host calls MEASURE, if that is not where it belongs. */
  readonly said?: Uint8Array;
}

/**
 * Why a measurement differs from the one of the claim: the single change with which it would fit, among those that
 * people and programs are known to make; undefined when none does. `measure` is MEASURE, 32 bytes; `mnonce` 16.
 */
export function explainMeasurement(
  claim: ClaimedLaunch,
  { measure, mnonce }: { readonly measure: Uint8Array; readonly mnonce: Uint8Array },
): Variation | undefined {
  for (const candidate of candidates(claim, { measure, mnonce })) {
    const { measure: expected, said = measure, ...variation } = candidate;
    if (macEqual(expected(), said)) return variation;
  }
  return undefined;
}

const MNONCE_SIZE = 16;

/** What a host, or somebody on the way, may have done to the nonce; `measurement` has 48 bytes. */
function* nonceCandidates(claim: ClaimedLaunch, measurement: Uint8Array): Generator<Candidate> {
  const digest = claimedDigest(claim);
  const withNonce = (mnonce: Uint8Array) => () => measureLaunch({ ...claim, digest, mnonce });
  const mnonce = measurement.slice(-MNONCE_SIZE);
  yield {
    ...{ what: 'nonce', ifOnly: 'MNONCE stood in front of MEASURE instead of behind it' },
    measure: withNonce(measurement.slice(0, MNONCE_SIZE)),
    said: measurement.slice(MNONCE_SIZE),
  };
  yield {
    ...{ what: 'nonce', ifOnly: 'the bytes of MNONCE were in the opposite order' },
    measure: withNonce(mnonce.toReversed()),
  };
  yield {
    ...{ what: 'nonce', ifOnly: 'MNONCE were zeros: another one was put in its place' },
    measure: withNonce(new Uint8Array(MNONCE_SIZE)),
  };
}

function* candidates(
  claim: ClaimedLaunch,
  { measure, mnonce }: { readonly measure: Uint8Array; readonly mnonce: Uint8Array },
): Generator<Candidate> {
  const { tik, tek, version, policy } = claim;
  const digest = claimedDigest(claim);
  const base = { tik, version, policy, digest, mnonce };
  const changed = (change: Partial<typeof base>) => () => measureLaunch({ ...base, ...change });
  const hex = (value: number): string => `0x${value.toString(16)}`;

  for (const { policy: other, how, by } of policyDefects(policy)) {
    const whose = by === undefined ? '' : `, as ${by} does`;
    yield {
      ...{
        what: 'policy',
        ifOnly: `the policy were ${hex(other)} instead of ${hex(policy)}: ${how}${whose}`,
      },
      measure: changed({ policy: other }),
    };
  }
  for (let bit = 0; bit < 32; bit++) {
    const other = (policy ^ (1 << bit)) >>> 0;
    yield {
      ...{ what: 'policy', ifOnly: `the policy were ${hex(other)} instead of ${hex(policy)}` },
      measure: changed({ policy: other }),
    };
  }
  for (let build = 0; build <= 0xff; build++)
    yield {
      ...{ what: 'build id', ifOnly: `the build id were ${build} instead of ${version.build}` },
      measure: changed({ version: { ...version, build } }),
    };
  const long = bindsLaunch(version);
  yield {
    what: 'message',
    ifOnly: long
      ? 'the firmware version were not part of it, as before API 0.17'
      : 'the firmware version were part of it, as since API 0.17, or as libvirt and sevctl have it for every version',
    measure: () => measureLaunch(base, !long),
  };
  const api = ({ apiMajor, apiMinor }: FirmwareVersion): string => `${apiMajor}.${apiMinor}`;
  for (let number = 0; number <= 0x1ff; number++) {
    const other = { ...version, apiMajor: number >>> 8, apiMinor: number & 0xff };
    yield {
      ...{ what: 'API version', ifOnly: `the API version were ${api(other)} instead of ${api(version)}` },
      measure: changed({ version: other }),
    };
  }
  if (tek !== undefined)
    yield { what: 'keys', ifOnly: 'TIK and TEK were exchanged', measure: changed({ tik: tek }) };
  yield {
    ...{ what: 'session', ifOnly: 'the TIK were zeros: the guest was launched without a session' },
    measure: changed({ tik: new Uint8Array(tik.length) }),
  };
  yield* nonceCandidates(claim, concat(measure, mnonce));
  yield {
    what: 'launch digest',
    ifOnly: 'the bytes of the launch digest were in the opposite order',
    measure: changed({ digest: digest.toReversed() }),
  };
  if (claim.contents instanceof Uint8Array) return;
  for (const { contributions, ...variation } of launchVariations(claim.contents))
    yield { ...variation, measure: changed({ digest: launchDigest(contributions) }) };
}
