import type { Actor } from '@sevlab/codec/trace';

/** Whom a lane stands for; it decides colour and glyph. */
export type Party = 'owner' | 'host' | 'amd-sp' | 'memory' | 'guest';

export interface Lane {
  readonly id: string;
  readonly party: Party;
  readonly title: string;
  readonly actors: readonly Actor[];
}

const OUTSIDE: readonly Lane[] = [
  { id: 'owner', party: 'owner', title: 'Owner', actors: ['guest-owner'] },
  { id: 'host', party: 'host', title: 'Host', actors: ['host'] },
  { id: 'amd-sp', party: 'amd-sp', title: 'AMD-SP', actors: ['amd-sp'] },
  { id: 'memory', party: 'memory', title: 'Memory', actors: ['memory', 'disk'] },
];

/** The guest as one lane. */
export const CLOSED_LANES: readonly Lane[] = [
  ...OUTSIDE,
  { id: 'guest', party: 'guest', title: 'Guest', actors: ['firmware', 'kernel', 'user'] },
];

/** The guest opened into what runs in it. */
export const OPEN_LANES: readonly Lane[] = [
  ...OUTSIDE,
  { id: 'firmware', party: 'guest', title: 'Firmware', actors: ['firmware'] },
  { id: 'kernel', party: 'guest', title: 'Kernel', actors: ['kernel'] },
  { id: 'user', party: 'guest', title: 'User', actors: ['user'] },
];

/** The lane of an actor, as its position. Every actor has one. */
export const laneOf = (lanes: readonly Lane[], actor: Actor): number =>
  lanes.findIndex(({ actors }) => actors.includes(actor));

const PARTIES: Readonly<Record<Actor, Party>> = {
  'guest-owner': 'owner',
  host: 'host',
  disk: 'memory',
  memory: 'memory',
  'amd-sp': 'amd-sp',
  firmware: 'guest',
  kernel: 'guest',
  user: 'guest',
};

export const partyOf = (actor: Actor): Party => PARTIES[actor];

/** An actor in a sentence. */
export const ACTOR_NAMES: Readonly<Record<Actor, string>> = {
  'guest-owner': 'guest owner',
  host: 'host',
  disk: 'disk',
  memory: 'memory',
  'amd-sp': 'AMD-SP',
  firmware: 'firmware',
  kernel: 'kernel',
  user: 'user space',
};
