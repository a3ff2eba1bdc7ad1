import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import type { Command } from './command.ts';
import { ACTIVATE } from './commands/activate.ts';
import { ACTIVATE_EX } from './commands/activate-ex.ts';
import { ATTESTATION } from './commands/attestation.ts';
import { COPY } from './commands/copy.ts';
import { DEACTIVATE } from './commands/deactivate.ts';
import { DBG_DECRYPT, DBG_ENCRYPT } from './commands/debug.ts';
import { DECOMMISSION } from './commands/decommission.ts';
import { DF_FLUSH } from './commands/df-flush.ts';
import { GET_ID } from './commands/get-id.ts';
import { GUEST_STATUS } from './commands/guest-status.ts';
import { INIT } from './commands/init.ts';
import { INIT_EX } from './commands/init-ex.ts';
import { LAUNCH_FINISH } from './commands/launch-finish.ts';
import { LAUNCH_MEASURE } from './commands/launch-measure.ts';
import { LAUNCH_SECRET } from './commands/launch-secret.ts';
import { LAUNCH_START } from './commands/launch-start.ts';
import { LAUNCH_UPDATE_DATA } from './commands/launch-update-data.ts';
import { LAUNCH_UPDATE_VMSA } from './commands/launch-update-vmsa.ts';
import { NOP } from './commands/nop.ts';
import { PDH_CERT_EXPORT } from './commands/pdh-cert-export.ts';
import { PDH_GEN } from './commands/pdh-gen.ts';
import { PEK_CERT_IMPORT } from './commands/pek-cert-import.ts';
import { PEK_CSR } from './commands/pek-csr.ts';
import { PEK_GEN } from './commands/pek-gen.ts';
import { PLATFORM_RESET } from './commands/platform-reset.ts';
import { PLATFORM_STATUS } from './commands/platform-status.ts';
import { RECEIVE_FINISH } from './commands/receive-finish.ts';
import { RECEIVE_START } from './commands/receive-start.ts';
import { RECEIVE_UPDATE_DATA } from './commands/receive-update-data.ts';
import { RECEIVE_UPDATE_VMSA } from './commands/receive-update-vmsa.ts';
import { SEND_CANCEL } from './commands/send-cancel.ts';
import { SEND_FINISH } from './commands/send-finish.ts';
import { SEND_START } from './commands/send-start.ts';
import { SEND_UPDATE_DATA } from './commands/send-update-data.ts';
import { SEND_UPDATE_VMSA } from './commands/send-update-vmsa.ts';
import { SHUTDOWN } from './commands/shutdown.ts';

/** How far a command is there: wholly, in part, or not, and then what it answers. */
export type Support =
  | { readonly command: Command; readonly partial?: string }
  | { readonly command?: undefined; readonly status: SevStatus };

const notYet: Support = { status: 'UNSUPPORTED' };

/** Every command of the specification. Numbers that are not here answer INVALID_COMMAND. */
export const SUPPORT: Readonly<Record<CommandName, Support>> = {
  INIT: { command: INIT },
  SHUTDOWN: { command: SHUTDOWN },
  PLATFORM_RESET: { command: PLATFORM_RESET },
  PLATFORM_STATUS: { command: PLATFORM_STATUS },
  PEK_GEN: { command: PEK_GEN },
  PEK_CSR: { command: PEK_CSR },
  PEK_CERT_IMPORT: { command: PEK_CERT_IMPORT },
  PDH_CERT_EXPORT: { command: PDH_CERT_EXPORT },
  PDH_GEN: { command: PDH_GEN },
  DF_FLUSH: { command: DF_FLUSH },
  DOWNLOAD_FIRMWARE: notYet,
  GET_ID: { command: GET_ID },
  INIT_EX: { command: INIT_EX },
  NOP: { command: NOP },
  RING_BUFFER: notYet,
  DECOMMISSION: { command: DECOMMISSION },
  ACTIVATE: { command: ACTIVATE },
  DEACTIVATE: { command: DEACTIVATE },
  GUEST_STATUS: { command: GUEST_STATUS },
  COPY: { command: COPY },
  ACTIVATE_EX: {
    command: ACTIVATE_EX,
    partial: 'for all core complexes, whatever the list of APIC IDs says',
  },
  LAUNCH_START: { command: LAUNCH_START },
  LAUNCH_UPDATE_DATA: { command: LAUNCH_UPDATE_DATA },
  LAUNCH_UPDATE_VMSA: { command: LAUNCH_UPDATE_VMSA },
  LAUNCH_MEASURE: { command: LAUNCH_MEASURE },
  LAUNCH_SECRET: { command: LAUNCH_SECRET },
  LAUNCH_FINISH: { command: LAUNCH_FINISH },
  ATTESTATION: { command: ATTESTATION },
  SEND_START: { command: SEND_START },
  SEND_UPDATE_DATA: { command: SEND_UPDATE_DATA },
  SEND_UPDATE_VMSA: { command: SEND_UPDATE_VMSA },
  SEND_FINISH: { command: SEND_FINISH },
  SEND_CANCEL: { command: SEND_CANCEL },
  RECEIVE_START: { command: RECEIVE_START },
  RECEIVE_UPDATE_DATA: { command: RECEIVE_UPDATE_DATA },
  RECEIVE_UPDATE_VMSA: { command: RECEIVE_UPDATE_VMSA },
  RECEIVE_FINISH: { command: RECEIVE_FINISH },
  DBG_DECRYPT: { command: DBG_DECRYPT },
  DBG_ENCRYPT: { command: DBG_ENCRYPT },
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
