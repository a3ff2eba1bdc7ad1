import { type Contribution, launchDigest } from '@sevlab/sev-channel/launch-digest';

/** What a launch of this image measures, if the host leaves it alone: the image, whole, and nothing else. */
export const expectedContributions = (image: Uint8Array): readonly Contribution[] => [
  { what: 'firmware image', bytes: image },
];

/** The launch digest that an honest host comes to. 32 bytes. */
export const expectedDigest = (image: Uint8Array): Uint8Array => launchDigest(expectedContributions(image));
