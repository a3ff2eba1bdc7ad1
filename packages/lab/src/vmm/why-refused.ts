import { SevCertificate } from '@sevlab/codec/sev/certificate';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { LaunchSession } from '@sevlab/codec/sev/session';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import type { SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { glibBase64 } from '@sevlab/vmm-sim/qemu/glib-base64';
import type { HostPorts, Refusal } from '@sevlab/vmm-sim/qemu/host-ports';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
import { lengthText, packetLengthText } from '../length-text.ts';
import { packetText } from '../packet-text.ts';
import { sessionText } from '../session-text.ts';

/**
 * Why the AMD-SP refused, as it alone knows and tells no host: for the person who has both sides here. No key is in it.
 * Undefined when nothing that is known explains it.
 */
export function whyRefused(
  sp: SecureProcessor,
  options: MachineOptions,
  { refusal, readFile }: { readonly refusal: Refusal; readonly readFile: HostPorts['readFile'] },
): string | undefined {
  const { answer, packet } = refusal;
  const { BAD_MEASUREMENT, INVALID_LENGTH } = SEV_STATUS;
  const session = packet === undefined ? sessionOf(options, readFile) : undefined;
  if (answer.fwError === INVALID_LENGTH.code)
    return packet === undefined
      ? session && whyNotSoLong(session)
      : packetLengthText(packet.header, packet.secret);
  if (answer.fwError !== BAD_MEASUREMENT.code) return undefined;
  if (packet !== undefined) return whyNoPacket(sp, packet);
  return (
    session &&
    sessionText(sp, { policy: session.policy, godh: session.godh.bytes, session: session.session.bytes })
  );
}

const MEASURE_SIZE = 32;

/** A file of the sev-guest object, and what QEMU made of it. */
interface GivenFile {
  readonly file: Uint8Array;
  readonly bytes: Uint8Array;
}

function sessionOf(
  { objects, sevGuest }: MachineOptions,
  readFile: HostPorts['readFile'],
): { policy: number; godh: GivenFile; session: GivenFile } | undefined {
  const object = objects.find(({ id }) => id === sevGuest);
  if (object === undefined) return undefined;
  const given = (path: string): GivenFile | undefined => {
    const file = path === '' ? '' : readFile(path);
    if (typeof file === 'string') return undefined;
    return { file, bytes: glibBase64(new TextDecoder('latin1').decode(file)) };
  };
  const [godh, session] = [given(object['dh-cert-file']), given(object['session-file'])];
  return godh && session && { policy: object.policy, godh, session };
}

const whyNotSoLong = ({ godh, session }: { godh: GivenFile; session: GivenFile }): string | undefined =>
  lengthText('the session', session, LaunchSession.size) ??
  lengthText('the certificate of the guest owner', godh, SevCertificate.size);

/** Why a packet of LAUNCH_SECRET does not open; undefined when nothing that is known explains it. No key is in it. */
export function whyNoPacket(sp: SecureProcessor, packet: NonNullable<Refusal['packet']>): string | undefined {
  const guest = [...sp.state.guests.values()].find(({ state }) => state === 'LSECRET');
  if (guest === undefined || packet.header.length !== PacketHeader.size) return undefined;
  const { channel, measure } = guest;
  if (channel.tik.every((byte) => byte === 0))
    return 'the guest was launched without a session, so no keys of an owner fit; start it with dh-cert-file and session-file';
  const mnonce = packet.measurement?.subarray(MEASURE_SIZE);
  const keys = { ...channel, measure, ...(mnonce && { mnonce }) };
  return packetText(keys, PacketHeader.decode(packet.header), packet.secret);
}
