import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { Command } from './command.ts';
import { ACTIVATE } from './commands/activate.ts';
import { DEACTIVATE } from './commands/deactivate.ts';
import { DECOMMISSION } from './commands/decommission.ts';
import { DF_FLUSH } from './commands/df-flush.ts';
import { GUEST_STATUS } from './commands/guest-status.ts';
import { INIT } from './commands/init.ts';
import { LAUNCH_FINISH } from './commands/launch-finish.ts';
import { LAUNCH_MEASURE } from './commands/launch-measure.ts';
import { LAUNCH_SECRET } from './commands/launch-secret.ts';
import { LAUNCH_START } from './commands/launch-start.ts';
import { LAUNCH_UPDATE_DATA } from './commands/launch-update-data.ts';
import { NOP } from './commands/nop.ts';
import { PDH_CERT_EXPORT } from './commands/pdh-cert-export.ts';
import { PDH_GEN } from './commands/pdh-gen.ts';
import { PLATFORM_STATUS } from './commands/platform-status.ts';
import { SHUTDOWN } from './commands/shutdown.ts';

/** How far a command is there: wholly, in part, or not, and then what it answers. */
export type Support =
  | { readonly command: Command; readonly partial?: string }
  | { readonly command?: undefined; readonly status: SevStatus };

const notYet: Support = { status: 'UNSUPPORTED' };

/** Every command of the specification. Numbers that are not here answer INVALID_COMMAND. */
export const SUPPORT: Readonly<Record<CommandName, Support>> = {
  INIT: { command: INIT, partial: 'without SEV-ES' },
  SHUTDOWN: { command: SHUTDOWN },
  PLATFORM_RESET: notYet,
  PLATFORM_STATUS: { command: PLATFORM_STATUS },
  PEK_GEN: notYet,
  PEK_CSR: notYet,
  PEK_CERT_IMPORT: notYet,
  PDH_CERT_EXPORT: { command: PDH_CERT_EXPORT },
  PDH_GEN: { command: PDH_GEN },
  DF_FLUSH: { command: DF_FLUSH },
  DOWNLOAD_FIRMWARE: notYet,
  GET_ID: notYet,
  INIT_EX: notYet,
  NOP: { command: NOP },
  RING_BUFFER: notYet,
  DECOMMISSION: { command: DECOMMISSION },
  ACTIVATE: { command: ACTIVATE },
  DEACTIVATE: { command: DEACTIVATE },
  GUEST_STATUS: { command: GUEST_STATUS },
  COPY: notYet,
  ACTIVATE_EX: notYet,
  LAUNCH_START: { command: LAUNCH_START, partial: 'without SEV-ES' },
  LAUNCH_UPDATE_DATA: { command: LAUNCH_UPDATE_DATA },
  LAUNCH_UPDATE_VMSA: notYet,
  LAUNCH_MEASURE: { command: LAUNCH_MEASURE },
  LAUNCH_SECRET: { command: LAUNCH_SECRET },
  LAUNCH_FINISH: { command: LAUNCH_FINISH },
  ATTESTATION: notYet,
  SEND_START: notYet,
  SEND_UPDATE_DATA: notYet,
  SEND_UPDATE_VMSA: notYet,
  SEND_FINISH: notYet,
  SEND_CANCEL: notYet,
  RECEIVE_START: notYet,
  RECEIVE_UPDATE_DATA: notYet,
  RECEIVE_UPDATE_VMSA: notYet,
  RECEIVE_FINISH: notYet,
  DBG_DECRYPT: notYet,
  DBG_ENCRYPT: notYet,
  SWAP_OUT: notYet,
  SWAP_IN: notYet,
};

const NAMES: ReadonlyMap<number, CommandName> = new Map(
  Object.entries(COMMAND_ID).map(([name, id]) => [id, name as CommandName]), // keys of a literal record
);

/** The row of a command number, or undefined for a number that the specification does not have. */
export function commandById(id: number): ({ readonly name: CommandName } & Support) | undefined {
  const name = NAMES.get(id);
  return name && { name, ...SUPPORT[name] };
}
