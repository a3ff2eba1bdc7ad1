import { encodeChainFile } from '@sevlab/lab/certificate-file';
import { flipBit } from '@sevlab/lab/scenario/attack';
import { causeIn } from '@sevlab/lab/scenario/cause';
import { attempt } from '@sevlab/lab/scenario/honest-step';
import type { CertificateName } from '@sevlab/lab/scenario/scenario';
import { sessionText } from '@sevlab/lab/session-text';
import { type Bench, createBench, eventsOf, strikeBefore } from './bench.ts';
import { type FileBytes, fileBytes } from './file-bytes.ts';
import { type Fixture, fixtureOf } from './fixture.ts';
import { LaunchRefused } from './launch.ts';
import type { LaunchOptions } from './options.ts';
import { type PausedGuest, pausedGuestOf } from './paused-guest.ts';

/** What a guest owner sends before the launch: two files of `sevctl session`, in base64, or of sev-tool, raw. */
export interface SessionFiles {
  /** The guest owner's Diffie-Hellman certificate, 0x824 bytes. */
  readonly godh: FileBytes;
  /** 128 bytes. */
  readonly session: FileBytes;
}

/** A host with a SEV platform, and no guest owner: the one that is tested brings its own. */
export interface Host extends Fixture {
  /** The image that the host is asked to launch, from which a guest owner knows the digest. */
  readonly firmware: Uint8Array;
  /** The platform's certificates, each as its file. */
  certificates(): Readonly<Record<CertificateName, Uint8Array>>;
  /** PDH, PEK, OCA and CEK, then ASK and ARK: the file of `sevctl export --full`. */
  exportChain(): Uint8Array;
  /**
   * LAUNCH_START to LAUNCH_MEASURE, with the policy and the firmware of the options. Without a session nobody has keys.
   * Throws LaunchRefused with the AMD-SP's status, and RangeError for files that are none.
   */
  launch(files?: SessionFiles): PausedGuest;
}

/** Switches a platform on. Throws RangeError or ScenarioError for options that cannot be. */
export function startHost(options: Omit<LaunchOptions, 'secrets'> = {}): Host {
  const bench = createBench(options);
  strikeBefore(bench, 'offer');
  const files = bench.run.pipeline.certificates();
  const { certificateFlip: flip, certificates: instead } = bench.run.schemes;
  const given = { ...files, ...instead };
  const shown = flip === undefined ? given : { ...given, [flip.name]: flipBit(given[flip.name], flip.bit) };
  return {
    ...fixtureOf(bench),
    firmware: bench.run.pipeline.setup.image,
    certificates: () => shown,
    exportChain: () => encodeChainFile(shown, true),
    launch: (session) => launchWith(bench, session),
  };
}

function launchWith(bench: Bench, files: SessionFiles | undefined): PausedGuest {
  const session = files && {
    godh: fileBytes('godh', files.godh),
    session: fileBytes('session', files.session),
  };
  for (const step of ['launch', 'measure'] as const) {
    strikeBefore(bench, step);
    const { pipeline, schemes } = bench.run;
    const before = eventsOf(bench).length;
    const { image, policy } = schemes;
    const outcome = attempt(() => {
      if (step === 'measure') pipeline.measure();
      else
        pipeline.launch({
          session: session ?? 'none',
          ...(image && { image }),
          ...(policy !== undefined && { policy }),
        });
      return { status: 'SUCCESS' };
    });
    if ('refused' in outcome) throw new LaunchRefused(step, outcome.refused);
    if (outcome.status === 'SUCCESS') continue;
    const cause = causeIn(eventsOf(bench).slice(before)) ?? `the AMD-SP answered ${outcome.status}`;
    const launchPolicy = policy ?? pipeline.setup.policy;
    const more =
      session && sessionText(pipeline.actors.secureProcessor, { ...session, policy: launchPolicy });
    throw new LaunchRefused(step, more === undefined ? cause : `${cause}; ${more}`, outcome.status);
  }
  return pausedGuestOf(bench);
}
