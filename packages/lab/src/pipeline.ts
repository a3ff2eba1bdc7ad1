import type { ClockState } from '@sevlab/ambient/clock';
import { type Entropy, forkEntropy, seededEntropy, systemEntropy } from '@sevlab/ambient/entropy';
import { createObserver, type Observer } from '@sevlab/ambient/observer';
import type { Gpa } from '@sevlab/codec/address';
import type { Secret } from '@sevlab/codec/efi/secret-table';
import type { PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { hasPolicy } from '@sevlab/codec/sev/policy';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { bootFirmware } from '@sevlab/firmware-sim/boot';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import { bootKernel } from '@sevlab/guest-kernel-sim/boot';
import { forkKernel, type Kernel } from '@sevlab/guest-kernel-sim/kernel';
import { kexecLoad } from '@sevlab/guest-kernel-sim/kexec';
import { kernelProfile } from '@sevlab/guest-kernel-sim/profile';
import {
  type CertificateFiles,
  createGuestOwner,
  type GuestOwner,
  type Offer,
  type SealedPacket,
  type VerifiedGuest,
} from '@sevlab/guest-owner-sim/guest-owner';
import { createMachine, type GuestContext, type Machine } from '@sevlab/machine/machine';
import type { PartName } from '@sevlab/machine/part';
import type { EncryptionMode } from '@sevlab/machine/xex';
import { serve } from '@sevlab/psp-sim/mailbox';
import { type FirmwareProfile, PROFILES, type ProfileName } from '@sevlab/psp-sim/profile';
import { createSecureProcessor, type SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { type DescribedLaunch, type DirectBoot, initialVmsas } from '@sevlab/sev-channel/described-launch';
import { EMULATED_ARK } from '@sevlab/sev-channel/emulated-root';
import type { LaunchingGuest, MeasuredGuest, RunningGuest } from '@sevlab/vmm-sim/guest';
import { createVmm, type LaunchRequest, type Vmm } from '@sevlab/vmm-sim/vmm';
import { ONE_VCPU, type Vcpus } from '@sevlab/vmm-sim/vmsas';
import { endorse } from './key-distribution-service.ts';

/** Everything that a run is made of, decided before it starts. */
export interface Setup {
  /** Absent: the system's entropy, and no two runs alike. */
  readonly seed?: string;
  readonly clock?: Partial<ClockState>;
  readonly part: PartName;
  readonly profile: ProfileName;
  /** Fields of the profile that are otherwise. */
  readonly switches?: Partial<FirmwareProfile>;
  readonly encryption: EncryptionMode;
  readonly policy: number;
  /** The firmware image, as the guest owner wants it. */
  readonly image: Uint8Array;
  /** What the firmware is given to start. The guest owner knows it. */
  readonly directBoot?: DirectBoot;
  /** Whether its hashes are measured, and expected to be. */
  readonly kernelHashes?: boolean;
  readonly vcpus?: Vcpus;
  /** Bytes. */
  readonly memorySize: bigint;
  readonly disk?: Uint8Array;
  /** A name that kernelProfile knows. */
  readonly linux: string;
  /** What a firmware image that sevlab did not build is taken for. */
  readonly as?: LayoutName;
  readonly record: boolean;
}

/** A step came before the one that it builds on, or an actor refused to go on. */
export class Refused extends Error {
  /** Who refused: an actor of the trace, or `sevlab` for a step out of order. */
  readonly by: 'guest-owner' | 'host' | 'amd-sp' | 'firmware' | 'kernel' | 'sevlab';

  constructor(by: Refused['by'], message: string) {
    super(message);
    this.name = 'Refused';
    this.by = by;
  }
}

/** What has been reached. Each step reads what the one before it left here. */
interface Progress {
  readonly status?: PlatformStatusBuffer;
  readonly offer?: Offer;
  readonly launching?: LaunchingGuest;
  readonly measured?: MeasuredGuest;
  readonly verified?: VerifiedGuest;
  readonly packet?: SealedPacket;
  readonly running?: RunningGuest;
  readonly bootParams?: Gpa;
  readonly kernel?: Kernel;
}

interface Actors {
  readonly machine: Machine;
  readonly secureProcessor: SecureProcessor;
  readonly vmm: Vmm;
  readonly owner: GuestOwner;
  /** What AMD's service draws from. */
  readonly kds: Entropy;
}

/** The actors, put together, and the well-behaved order of steps. Steps between which a hostile host may act. */
export class Pipeline {
  readonly setup: Setup;
  readonly observer: Observer;
  readonly actors: Actors;
  #progress: Progress;

  constructor(setup: Setup, observer: Observer, actors: Actors, progress: Progress = {}) {
    this.setup = setup;
    this.observer = observer;
    this.actors = actors;
    this.#progress = progress;
    actors.machine.mailbox.connect(serve(actors.secureProcessor, observer));
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** INIT, and the certificates that a host passes on, AMD's among them. Throws CommandFailed. */
  certificates(): CertificateFiles {
    const { vmm, kds } = this.actors;
    vmm.initPlatform({ es: hasPolicy(this.setup.policy, 'ES') });
    this.#advance({ status: vmm.platformStatus() });
    const { cek, ...chain } = vmm.exportCertificates();
    return { ...chain, ...endorse(cek, kds) };
  }

  /**
   * INIT, certificates, the guest owner's verification and session. `show` is what a cheating host makes of the
   * certificates on their way. Throws Refused and CommandFailed.
   */
  offer(show: (files: CertificateFiles) => CertificateFiles = (files) => files): Offer {
    const verdict = this.actors.owner.offer(show(this.certificates()));
    if (!verdict.accepted) throw new Refused('guest-owner', `certificates: ${verdict.reason}`);
    this.#advance({ offer: verdict.value });
    return verdict.value;
  }

  /**
   * LAUNCH_START, ACTIVATE, LAUNCH_UPDATE_DATA. `instead` is what a cheating host takes for what was agreed, or the
   * session of another guest owner than ours, or of nobody.
   * Throws CommandFailed and VmmError.
   */
  launch(
    instead: Partial<Pick<LaunchRequest, 'image' | 'policy' | 'directBoot' | 'vcpus'>> & {
      readonly session?: LaunchRequest['session'] | 'none';
    } = {},
  ): LaunchingGuest {
    const { image, memorySize, policy, disk, directBoot, kernelHashes, vcpus } = this.setup;
    const { session = this.#need('offer'), ...otherwise } = instead;
    const launching = this.actors.vmm.launch({
      ...{ image, memorySize, policy },
      ...(session !== 'none' && { session }),
      ...(disk && { disk }),
      ...(directBoot && { directBoot }),
      ...(kernelHashes && { kernelHashes }),
      ...(vcpus && { vcpus }),
      ...otherwise,
    });
    this.#advance({ launching });
    return launching;
  }

  /** Goes on with a guest that somebody else began to launch, such as a hostile host. */
  adopt(launching: LaunchingGuest): void {
    this.#advance({ launching });
  }

  /** LAUNCH_MEASURE. Throws CommandFailed. */
  measure(): MeasuredGuest {
    const measured = this.#need('launching').measure();
    this.#advance({ measured });
    return measured;
  }

  /** The guest owner compares the measurement with what it wants. Throws Refused. */
  verify(measurement: Uint8Array = this.#need('measured').measurement): VerifiedGuest {
    const verdict = this.#need('offer').verify(measurement, this.#need('status'));
    if (!verdict.accepted) throw new Refused('guest-owner', verdict.reason);
    this.#advance({ verified: verdict.value });
    return verdict.value;
  }

  /** The guest owner builds and seals the secret table. Throws RangeError for secrets that cannot be packed. */
  seal(secrets: readonly Secret[]): SealedPacket {
    const packet = this.#need('verified').packSecrets(secrets);
    this.#advance({ packet });
    return packet;
  }

  /** LAUNCH_SECRET with the sealed packet, or any other. Returns the AMD-SP's status. Throws VmmError. */
  inject(packet: SealedPacket = this.#need('packet'), address?: bigint): SevStatus {
    return this.#need('measured').injectSecret(packet, address);
  }

  /** LAUNCH_FINISH. Throws CommandFailed. */
  finish(): RunningGuest {
    const running = this.#need('measured').finish();
    this.#advance({ running });
    return running;
  }

  /** VMRUN, as far as the firmware's hand-over. Returns where boot_params is. Throws Refused when the guest stops. */
  startFirmware(): Gpa {
    const bootParams = this.#need('running').run((context) => this.#firmware(context));
    this.#advance({ bootParams });
    return bootParams;
  }

  /**
   * The guest reboots: the same memory, and firmware from its start. The kernel is gone until the next boot(). Throws
   * VmmError for a SEV-ES guest, and as startFirmware.
   */
  reset(): Gpa {
    const { kernel, bootParams: before, ...rest } = this.#progress;
    const bootParams = this.#need('running').reset((context) => this.#firmware(context));
    this.#progress = { ...rest, bootParams };
    return bootParams;
  }

  #firmware(context: GuestContext): Gpa {
    const { observer } = this;
    const { memorySize, as } = this.setup;
    const outcome = bootFirmware({ context, observer, memorySize, ...(as && { as }) });
    if (outcome.kind === 'handover') return outcome.bootParams;
    observer.observe('firmware', 'host', () => ({ type: 'stop', reason: outcome.reason }));
    throw new Refused('firmware', `the guest does not start: ${outcome.reason}`);
  }

  /** The kernel and user space, after the firmware if that has not run yet. Throws Refused when the guest stops. */
  boot(): Kernel {
    return this.#startKernel(this.#progress.bootParams ?? this.startFirmware());
  }

  /** The kernel starts another one of its kind; neither firmware nor host has a part in it. */
  kexec(): Kernel {
    return this.#startKernel(kexecLoad(this.#need('kernel')));
  }

  #startKernel(bootParams: Gpa): Kernel {
    const { observer } = this;
    const profile = kernelProfile(this.setup.linux);
    const kernel = this.#need('running').resume((context) =>
      bootKernel({ context, bootParams, profile, observer }),
    );
    this.#advance({ kernel });
    return kernel;
  }

  /** The same past, another future: neither sees what the other does from here on. */
  fork(): Pipeline {
    const observer = this.observer.fork();
    const machine = this.actors.machine.fork(observer);
    const vmm = this.actors.vmm.fork(machine.host);
    const { offer, launching, measured, verified, running, kernel, ...rest } = this.#progress;
    const actors = {
      machine,
      vmm,
      secureProcessor: this.actors.secureProcessor.fork(machine.secureProcessor),
      owner: this.actors.owner.fork(observer),
      kds: forkEntropy(this.actors.kds),
    };
    const runningFork = running?.fork(vmm);
    const progress: Progress = {
      ...rest,
      ...(offer && { offer: offer.fork(actors.owner) }),
      ...(launching && { launching: launching.fork(vmm) }),
      ...(measured && { measured: measured.fork(vmm) }),
      ...(verified && { verified: verified.fork(actors.owner) }),
      ...(runningFork && { running: runningFork }),
      ...(kernel &&
        runningFork && {
          kernel: runningFork.resume((context) => forkKernel(kernel, { context, observer })),
        }),
    };
    return new Pipeline(this.setup, observer, actors, progress);
  }

  #advance(progress: Progress): void {
    this.#progress = { ...this.#progress, ...progress };
  }

  #need<K extends keyof Progress>(step: K): NonNullable<Progress[K]> {
    const reached = this.#progress[step];
    if (reached === undefined)
      throw new Refused('sevlab', `${step} is not there yet; expected the steps before it`);
    return reached;
  }
}

/** What the guest owner expects to be measured. */
const describe = ({ image, policy, directBoot, kernelHashes, vcpus }: Setup): DescribedLaunch => ({
  image,
  ...(directBoot && kernelHashes && { kernel: directBoot }),
  ...(hasPolicy(policy, 'ES') && { vmsas: initialVmsas(image, vcpus ?? ONE_VCPU) }),
});

/** Switches everything on: a machine, its AMD-SP, a VMM, and far away a guest owner. */
export function createPipeline(setup: Setup): Pipeline {
  const observer = createObserver({ record: setup.record, ...(setup.clock && { clock: setup.clock }) });
  const entropy = (name: string) =>
    setup.seed === undefined ? systemEntropy(name) : seededEntropy(setup.seed, name);
  const { part, encryption, policy } = setup;
  const machine = createMachine({ part, encryption, entropy: entropy('machine'), observer });
  const secureProcessor = createSecureProcessor({
    profile: { ...PROFILES[setup.profile], ...setup.switches },
    entropy: entropy('amd-sp'),
    hardware: machine.secureProcessor,
  });
  const intent = { trustedArk: EMULATED_ARK, policy, launch: describe(setup) };
  return new Pipeline(setup, observer, {
    machine,
    secureProcessor,
    vmm: createVmm(machine.host, part),
    owner: createGuestOwner(intent, entropy('guest-owner'), observer),
    kds: entropy('kds'),
  });
}
