import { PacketHeader } from '@sevlab/codec/sev/packet';
import type { CommandContext } from './command.ts';

/** HDR_LEN is that of a packet header; where more is taken, what follows the header is not looked at. */
export const headerLengthIsRight = ({ sp, cmd }: CommandContext<{ readonly hdrLen: number }>): boolean =>
  sp.state.profile.headerLengthExact ? cmd.hdrLen === PacketHeader.size : cmd.hdrLen >= PacketHeader.size;
