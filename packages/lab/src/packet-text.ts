import type { PacketHeader } from '@sevlab/codec/sev/packet';
import { type PacketDefect, type PacketKeys, packetDefect } from '@sevlab/sev-channel/packet-defects';

const SENTENCES: Readonly<Record<PacketDefect, string>> = {
  unbound: 'the MAC would fit without the measurement, as sev-tool 1.7 has it for API before 0.17',
  'with MNONCE':
    'the MAC would fit with MNONCE behind MEASURE: it covers the first 32 bytes of a measurement only',
  'keys exchanged': 'the MAC would fit if TIK and TEK were exchanged',
  'zero keys': 'the MAC would fit with keys of zeros, as a launch without a session has them',
};

/** Why the MAC of a packet does not fit, in a sentence without a key; undefined when nothing that is known explains it. */
export function packetText(keys: PacketKeys, header: PacketHeader, data: Uint8Array): string | undefined {
  const defect = packetDefect(keys, header, data);
  return defect && SENTENCES[defect];
}
