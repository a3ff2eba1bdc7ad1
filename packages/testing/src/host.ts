import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import { encodeChainFile } from '@sevlab/lab/certificate-file';
import { shownCertificates } from '@sevlab/lab/scenario/honest-step';
import type { CertificateName } from '@sevlab/lab/scenario/scenario';
import { sessionText } from '@sevlab/lab/session-text';
import { type Bench, createBench, strikeBefore } from './bench.ts';
import { type FileBytes, fileBytes } from './file-bytes.ts';
import { type Fixture, fixtureOf } from './fixture.ts';
import { succeeds, takeStep } from './launch-steps.ts';
import type { LaunchOptions } from './options.ts';
import { type PausedGuest, pausedGuestOf } from './paused-guest.ts';
import { type Qemu, qemuOn } from './qemu.ts';

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
  /**
   * The same platform behind QMP: a QEMU 7.2 of ours, started with QEMU's own arguments, for a client of QEMU. Without
   * `-bios` or flash it has the firmware of the options. `as` says which release of edk2 an image of others is like.
   * Throws UsageError and QemuExit with what QEMU would print.
   */
  startQemu(words: readonly string[], options?: { readonly as?: LayoutName }): Promise<Qemu>;
}

/** Switches a platform on. Throws RangeError or ScenarioError for options that cannot be. */
export function startHost(options: Omit<LaunchOptions, 'secrets'> = {}): Host {
  const bench = createBench(options);
  strikeBefore(bench, 'offer');
  const files = bench.run.pipeline.certificates();
  const certificates = () => shownCertificates(files, bench.run.schemes);
  return {
    ...fixtureOf(bench),
    firmware: bench.run.pipeline.setup.image,
    certificates,
    exportChain: () => encodeChainFile(certificates(), true),
    launch: (session) => launchWith(bench, session),
    startQemu: (words, { as } = {}) => qemuOn(bench, words, as),
  };
}

function launchWith(bench: Bench, files: SessionFiles | undefined): PausedGuest {
  const session = files && {
    godh: fileBytes('godh', files.godh),
    session: fileBytes('session', files.session),
  };
  const { pipeline, schemes } = bench.run;
  const otherwise = (): Parameters<typeof pipeline.launch>[0] => ({
    ...(schemes.image && { image: schemes.image }),
    ...(schemes.policy !== undefined && { policy: schemes.policy }),
  });
  const explain = (): string | undefined => {
    const { policy = pipeline.setup.policy } = schemes;
    return session && sessionText(pipeline.actors.secureProcessor, { ...session, policy });
  };
  const start = (): unknown => pipeline.launch({ session: session ?? 'none', ...otherwise() });
  takeStep(bench, 'launch', () => succeeds(start), explain);
  takeStep(bench, 'measure', () => succeeds(() => pipeline.measure()));
  return pausedGuestOf(bench);
}
