import { PacketHeader } from '@sevlab/codec/sev/packet';
import { SEV_STATUS } from '@sevlab/codec/sev/status';
import type { SecureProcessor } from '@sevlab/psp-sim/secure-processor';
import { glibBase64 } from '@sevlab/vmm-sim/qemu/glib-base64';
import type { HostPorts, Refusal } from '@sevlab/vmm-sim/qemu/host-ports';
import type { MachineOptions } from '@sevlab/vmm-sim/qemu/machine-options';
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
  if (refusal.answer.fwError !== BAD_MEASUREMENT) return undefined;
  return refusal.packet === undefined ? whyNoSession(sp, options, readFile) : whyNoPacket(sp, refusal.packet);
}

const MEASURE_SIZE = 32;
const BAD_MEASUREMENT = SEV_STATUS.BAD_MEASUREMENT.code;

function whyNoSession(
  sp: SecureProcessor,
  { objects, sevGuest }: MachineOptions,
  readFile: HostPorts['readFile'],
): string | undefined {
  const object = objects.find(({ id }) => id === sevGuest);
  if (object === undefined) return undefined;
  const [godh, session] = [object['dh-cert-file'], object['session-file']].map((path) => {
    const bytes = path === '' ? '' : readFile(path);
    return typeof bytes === 'string' ? undefined : glibBase64(new TextDecoder('latin1').decode(bytes));
  });
  if (godh === undefined || session === undefined) return undefined;
  return sessionText(sp, { policy: object.policy, godh, session });
}

function whyNoPacket(sp: SecureProcessor, packet: NonNullable<Refusal['packet']>): string | undefined {
  const guest = [...sp.state.guests.values()].find(({ state }) => state === 'LSECRET');
  if (guest === undefined || packet.header.length !== PacketHeader.size) return undefined;
  const { channel, measure } = guest;
  if (channel.tik.every((byte) => byte === 0))
    return 'the guest was launched without a session, so no keys of an owner fit; start it with dh-cert-file and session-file';
  const mnonce = packet.measurement?.subarray(MEASURE_SIZE);
  const keys = { ...channel, measure, ...(mnonce && { mnonce }) };
  return packetText(keys, PacketHeader.decode(packet.header), packet.secret);
}
