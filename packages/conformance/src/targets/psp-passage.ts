import { equal } from '@sevlab/codec/bytes';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchMeasurement, LaunchSession } from '@sevlab/codec/sev/session';
import type { CommandStep, GuestStep, HostStep, SeeStep } from '../case.ts';
import type { Passage, PassedBytes } from '../passage.ts';
import type { Run } from './psp-run.ts';
import type { Fields, Issued } from './raw-host.ts';

/** What the host put where a field of a command buffer points, by the field's name. */
const POINTED: Readonly<Record<string, Omit<PassedBytes, 'bytes'>>> = {
  hdrPaddr: { what: 'packet header', structure: PacketHeader },
  transPaddr: { what: 'packet data', are: 'ciphertext' },
  sessionPaddr: { what: 'session', structure: LaunchSession },
  dhCertPaddr: { what: 'certificate', structure: SevCertificate },
  pdhCertPaddr: { what: 'certificate', structure: SevCertificate },
  pekCertPaddr: { what: 'PEK certificate', structure: SevCertificate },
  ocaCertPaddr: { what: 'OCA certificate', structure: SevCertificate },
};

/** A command, with its buffer before and after it, and what that points to. */
export function commandPassage(run: Run, step: CommandStep, fields: Fields, issued: Issued): Passage {
  const { status, layout, sent, received } = issued;
  const bytes: PassedBytes[] = [];
  const structure = layout && { structure: layout };
  if (sent) bytes.push({ what: 'command buffer', bytes: sent, ...structure });
  if (sent && received && !equal(sent, received))
    bytes.push({ what: 'command buffer, as the AMD-SP left it', bytes: received, ...structure });
  for (const [name, pointed] of Object.entries(POINTED)) {
    const placed = run.platform.raw.placedAt(fields[name]);
    if (placed && placed.length > 0) bytes.push({ ...pointed, bytes: placed });
  }
  if (step.command === 'LAUNCH_MEASURE' && status === 'SUCCESS') {
    const { measurement } = run.guests[step.who ?? run.latest] ?? {};
    const structureOf = { structure: LaunchMeasurement };
    if (measurement)
      bytes.push({ what: 'measurement', bytes: LaunchMeasurement.encode(measurement), ...structureOf });
  }
  const times = step.times === undefined ? '' : `, ${step.times} times`;
  return { asked: `${step.command}${times}`, answered: status, bytes };
}

/** Something that the AMD-SP has no part in, in the words of the case. */
export const otherPassage = (step: HostStep | GuestStep | SeeStep): Passage => ({
  asked: Object.entries(step)
    .map(([word, value]) =>
      typeof value === 'string' ? `${word} ${value}` : `${word} ${JSON.stringify(value)}`,
    )
    .join(', '),
});
