import { launchDigest } from '@sevlab/sev-channel/launch-digest';

/** The launch digest that an honest host comes to, 32 bytes: it measures the image, whole, and nothing else. */
export const expectedDigest = (image: Uint8Array): Uint8Array =>
  launchDigest([{ what: 'firmware image', bytes: image }]);
