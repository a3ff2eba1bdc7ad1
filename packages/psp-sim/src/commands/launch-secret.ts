import { isAligned } from '@sevlab/codec/address';
import { LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { COMPRESSED, PacketHeader } from '@sevlab/codec/sev/packet';
import { macEqual } from '@sevlab/sev-channel/mac';
import { bindsLaunch } from '@sevlab/sev-channel/measurement';
import { decryptPacket, packetMac } from '@sevlab/sev-channel/packet';
import { type CommandContext, command, once } from '../command.ts';
import type { Guest } from '../guest.ts';
import { headerLengthIsRight } from '../header-length.ts';
import { reachable } from '../preconditions.ts';
import type { SecureProcessor } from '../secure-processor.ts';

interface Context extends CommandContext<LaunchSecretBuffer> {
  readonly guest: () => Guest;
  readonly header: () => PacketHeader;
  readonly data: () => Uint8Array;
  /** The MAC that the packet should have. */
  readonly mac: () => Uint8Array;
}

function open(sp: SecureProcessor, cmd: LaunchSecretBuffer): Context {
  const guest = () => sp.guest(cmd.handle);
  const header = once(() => PacketHeader.decode(sp.memory.read(cmd.hdrPaddr, PacketHeader.size)));
  const data = once(() => sp.memory.read(cmd.transPaddr, cmd.transLen));
  const mac = () => {
    const measure = bindsLaunch(sp.state.profile.version) ? guest().measure : undefined;
    return packetMac({
      tik: guest().channel.tik,
      measure,
      header: header(),
      guestLen: cmd.guestLen,
      data: data(),
    });
  };
  return { sp, cmd, guest, header, data, mac };
}

/**
 * 55766, LAUNCH_SECRET; order as firmware 1.55 answers. The target address, the handle and the number of uses are
 * not under the MAC; the measurement of this launch is.
 */
export const LAUNCH_SECRET = command({
  buffer: LaunchSecretBuffer,
  transfer: 'in',
  open,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['GUEST_PADDR is 16-byte aligned', ({ cmd }) => isAligned(cmd.guestPaddr, 16), 'INVALID_ADDRESS'],
    ['HDR_LEN is 0x34', headerLengthIsRight, 'INVALID_LENGTH'],
    ['GUEST_LEN is not 0', ({ cmd }) => cmd.guestLen !== 0, 'INVALID_LENGTH'],
    ['GUEST_LEN is a multiple of 16', ({ cmd }) => isAligned(cmd.guestLen, 16), 'INVALID_LENGTH'],
    [
      'GUEST_LEN is within the limit',
      ({ sp, cmd }) => cmd.guestLen <= sp.state.profile.secretMax,
      'INVALID_LENGTH',
    ],
    ['TRANS_LEN equals GUEST_LEN', ({ cmd }) => cmd.transLen === cmd.guestLen, 'INVALID_LENGTH'],
    ['guest is in LSECRET', ({ guest }) => guest().state === 'LSECRET', 'INVALID_GUEST_STATE'],
    ['guest has an ASID', ({ guest }) => guest().activation !== 'inactive', 'INACTIVE'],
    ...reachable<Context>('HDR_PADDR', ({ cmd }) => [cmd.hdrPaddr, PacketHeader.size]),
    ...reachable<Context>('GUEST_PADDR', ({ cmd }) => [cmd.guestPaddr, cmd.guestLen]),
    ...reachable<Context>('TRANS_PADDR', ({ cmd }) => [cmd.transPaddr, cmd.transLen]),
    ['MAC matches', ({ header, mac }) => macEqual(header().mac, mac()), 'BAD_MEASUREMENT'],
    ['packet is not COMPRESSED', ({ header }) => (header().flags & COMPRESSED) === 0, 'UNSUPPORTED'],
  ],
  effect: ({ sp, cmd, guest, header, data }) => {
    const plain = decryptPacket(guest().channel.tek, header().iv, data());
    sp.memory.writeEncrypted(cmd.guestPaddr, plain, guest().asid);
    plain.fill(0);
    return 'SUCCESS';
  },
});
