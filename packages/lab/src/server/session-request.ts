import type { Secret } from '@sevlab/codec/efi/secret-table';
import type { LayoutName } from '@sevlab/firmware-sim/layouts';
import { DEFAULT_LAYOUT } from '@sevlab/firmware-sim/layouts';
import type { PartName } from '@sevlab/machine/part';
import type { ProfileName } from '@sevlab/psp-sim/profile';
import type { Setup } from '../pipeline.ts';
import type { SecretSource } from '../scenario/scenario.ts';
import { setupOf } from '../scenario/setup.ts';
import { SENT_SCENARIO } from '../scenario/values.ts';
import type { FirmwareStore } from './firmware-store.ts';
import { badField } from './http-problem.ts';

/** What a session is to be; its schema is sessionBody. */
export interface SessionRequest {
  readonly part?: PartName;
  readonly profile?: ProfileName;
  readonly policy?: number | string;
  readonly firmware?: { readonly layout: LayoutName } | { readonly sha256: string; readonly as?: LayoutName };
  readonly secrets?: readonly SecretSource[];
  readonly linux?: string;
  readonly seed?: string;
}

/** What is not asked for is as in a scenario that does not say. Throws HttpProblem and ScenarioError. */
export function sessionSetup(
  { part, profile, policy, firmware, secrets, linux, seed }: SessionRequest,
  images: FirmwareStore,
): { readonly setup: Setup; readonly secrets: readonly Secret[] } {
  const asked = setupOf(
    {
      ...{ version: 1, title: 'live session', steps: [] },
      platform: { ...(part && { part }), ...(profile && { profile }) },
      ...(secrets && { secrets }),
      ...(linux !== undefined && { linux }),
    },
    SENT_SCENARIO,
    { record: true, ...(seed !== undefined && { seed }) },
  );
  const setup = {
    ...asked.setup,
    ...(policy !== undefined && { policy: Number(policy) }),
    image: imageOf(firmware, images),
    ...(firmware && 'as' in firmware && { as: firmware.as }),
  };
  return { setup, secrets: asked.secrets };
}

function imageOf(
  firmware: SessionRequest['firmware'] = { layout: DEFAULT_LAYOUT },
  images: FirmwareStore,
): Uint8Array {
  if ('layout' in firmware) return images.built(firmware.layout);
  const image = images.sent(firmware.sha256);
  if (image !== undefined) return image;
  throw badField('firmware.sha256', 'there is no such image', {
    expected: 'one that was sent not long ago',
    got: firmware.sha256,
    try: 'POST /api/firmware with it',
  });
}
