export type { Attack, FirmwareSource } from '@sevlab/lab/scenario/scenario';
export type { Event, EventPattern, Fixture } from './fixture.ts';
export { type Host, type SessionFiles, startHost } from './host.ts';
export { LaunchRefused, launch } from './launch.ts';
export type { LaunchedGuest, Remains } from './launched-guest.ts';
export type { LaunchOptions } from './options.ts';
export type { Answer, PacketFiles, PausedGuest, QuerySev } from './paused-guest.ts';
