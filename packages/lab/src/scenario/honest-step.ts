import type { Secret } from '@sevlab/codec/efi/secret-table';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { CertificateFiles, SealedPacket } from '@sevlab/guest-owner-sim/guest-owner';
import { VmrunRefused } from '@sevlab/machine/machine';
import { CommandFailed, VmmError } from '@sevlab/vmm-sim/errors';
import { type Pipeline, Refused } from '../pipeline.ts';
import { flipBit } from './attack.ts';
import { launchOtherwise } from './hostile-launch.ts';
import type { HonestStep, Step } from './scenario.ts';
import { keptBytes, type Schemes } from './schemes.ts';
import { addressOf, ScenarioError } from './values.ts';

/** An AMD-SP's status, or who refused and why. */
export type Outcome = { readonly status: SevStatus } | { readonly refused: string };

/**
 * Takes an honest step, except for what a hostile host has prepared. Returns the AMD-SP's status. Throws Refused,
 * CommandFailed, VmmError, VmrunRefused and ScenarioError.
 */
export function honestStep(
  pipeline: Pipeline,
  step: Extract<Step, { readonly do: HonestStep }>,
  secrets: readonly Secret[],
  schemes: Schemes,
): SevStatus {
  switch (step.do) {
    case 'offer':
      pipeline.offer((files) => shownCertificates(files, schemes));
      break;
    case 'launch': {
      const { image, policy, launch } = schemes;
      delete schemes.launch; // it was for this one
      if (launch !== undefined) pipeline.adopt(launchOtherwise(pipeline, launch, schemes));
      else pipeline.launch({ ...(image && { image }), ...(policy !== undefined && { policy }) });
      break;
    }
    case 'verify':
      pipeline.verify(shownMeasurement(pipeline, schemes));
      break;
    case 'seal':
      seal(pipeline, secretsNamed(secrets, step.secrets));
      break;
    case 'firmware':
      pipeline.startFirmware();
      break;
    case 'inject':
      return inject(pipeline, step.at, schemes);
    default:
      pipeline[step.do]();
  }
  return 'SUCCESS';
}

/** What the host shows of the platform's certificates. */
export function shownCertificates(
  files: CertificateFiles,
  { certificates, certificateFlip }: Schemes,
): CertificateFiles {
  const shown = { ...files, ...certificates };
  if (certificateFlip === undefined) return shown;
  const { name, bit } = certificateFlip;
  return { ...shown, [name]: flipBit(shown[name], bit) };
}

/** What the host shows of the measurement; a forged one needs no launch. */
function shownMeasurement(pipeline: Pipeline, schemes: Schemes): Uint8Array | undefined {
  const measurement = pipeline.progress.measured?.measurement;
  const { measurement: instead } = schemes;
  if (instead === undefined) return measurement;
  if ('from' in instead) return keptBytes(pipeline, schemes, instead.from);
  return measurement && flipBit(measurement, instead.bit);
}

/** Those of the secrets that have one of the GUIDs, in that order. Throws ScenarioError for another GUID. */
function secretsNamed(secrets: readonly Secret[], guids: readonly string[] | undefined): readonly Secret[] {
  return (
    guids?.map((guid) => {
      const secret = secrets.find((each) => each.guid === guid.toLowerCase());
      if (secret === undefined)
        throw new ScenarioError(`seal: no secret ${guid}; expected one of the scenario's secrets`);
      return secret;
    }) ?? secrets
  );
}

function seal(pipeline: Pipeline, secrets: readonly Secret[]): void {
  try {
    pipeline.seal(secrets);
  } catch (error) {
    if (error instanceof RangeError) throw new Refused('guest-owner', error.message); // secrets that cannot be packed
    throw error;
  }
}

function inject(pipeline: Pipeline, at: string | undefined, schemes: Schemes): SevStatus {
  const { packet } = pipeline.progress;
  const address = at === undefined ? undefined : addressOf(at);
  return pipeline.inject(packet && sentPacket(packet, schemes), address);
}

/** What the host sends in the place of a packet. */
export function sentPacket(packet: SealedPacket, { packetFlip }: Schemes): SealedPacket {
  if (packetFlip === undefined) return packet;
  const { part, bit } = packetFlip;
  return { ...packet, [part]: flipBit(packet[part], bit) };
}

/** What became of a step, refusals among it. */
export function attempt(step: () => Outcome): Outcome {
  try {
    return step();
  } catch (error) {
    if (error instanceof CommandFailed) return { status: error.status };
    if (error instanceof Refused || error instanceof VmmError || error instanceof VmrunRefused) {
      return { refused: error.message };
    }
    throw error;
  }
}
