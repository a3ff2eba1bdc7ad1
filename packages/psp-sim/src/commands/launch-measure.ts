import { LaunchMeasureBuffer } from '@sevlab/codec/sev/command';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { measureLaunch } from '@sevlab/sev-channel/measurement';
import { type CommandContext, command, plain } from '../command.ts';

/** The buffer is long enough; if not, its length becomes what is needed. */
function lengthSuffices({ cmd }: CommandContext<LaunchMeasureBuffer>): boolean {
  if (cmd.measureLen >= LaunchMeasurement.size) return true;
  cmd.measureLen = LaunchMeasurement.size;
  return false;
}

/**
 * 55766, LAUNCH_MEASURE; order as firmware 1.55 answers. VERSION: on success firmware 1.55 leaves MEASURE_LEN as given,
 * and after a bad MEASURE_PADDR the digest of its guest, still in LUPDATE, is closed: a second call measures something
 * else. The specification writes the length, and has no effect where it fails.
 */
export const LAUNCH_MEASURE = command({
  buffer: LaunchMeasureBuffer,
  transfer: 'inout-length',
  open: plain,
  preconditions: [
    ['platform is WORKING', ({ sp }) => sp.state.platform === 'WORKING', 'INVALID_PLATFORM_STATE'],
    ['HANDLE names a guest', ({ sp, cmd }) => sp.hasGuest(cmd.handle), 'INVALID_GUEST'],
    ['guest is in LUPDATE', ({ sp, cmd }) => sp.guest(cmd.handle).state === 'LUPDATE', 'INVALID_GUEST_STATE'],
    ['MEASURE_LEN suffices', lengthSuffices, 'INVALID_LENGTH'],
  ],
  effect: ({ sp, cmd }) => {
    const guest = sp.guest(cmd.handle);
    const digest = new Uint8Array(guest.runningDigest.copy().digest());
    const mnonce = sp.entropy.bytes(16);
    const { version, measureSpoilsDigest, measureLenWritten } = sp.state.profile;
    const measure = measureLaunch({ tik: guest.channel.tik, version, policy: guest.policy, digest, mnonce });
    const reach = sp.reachable(cmd.measurePaddr, LaunchMeasurement.size);
    if (reach !== 'SUCCESS') {
      if (measureSpoilsDigest) guest.runningDigest.update(digest); // what a closed digest gives next is no launch's
      return reach;
    }
    sp.memory.write(cmd.measurePaddr, LaunchMeasurement.encode({ measure, mnonce }));
    guest.launchDigest = digest;
    guest.measure = measure;
    guest.state = 'LSECRET';
    if (measureLenWritten) cmd.measureLen = LaunchMeasurement.size;
    return 'SUCCESS';
  },
});
