import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import type { Struct } from '@sevlab/codec/layout';
import { AreaBlock, buildGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import { type SevStatus, statusCode } from '@sevlab/codec/sev/status';
import { createMachine, type Host, type Machine } from '@sevlab/machine/machine';

/** What a field of a command buffer is. */
export type Field = number | bigint | Uint8Array;

/** A command as it arrived. */
export interface Arrived {
  readonly name: CommandName;
  readonly paddr: Spa;
  readonly fields: Readonly<Record<string, Field>>;
}

/** What an AMD-SP would write into the buffer, and its status. */
export interface Answer {
  readonly status?: SevStatus;
  readonly fields?: Readonly<Record<string, Field>>;
}

const LAYOUTS: Readonly<Partial<Record<CommandName, Struct<Record<string, Field>>>>> = COMMAND_BUFFERS;
const NAMES = Object.entries(COMMAND_ID) as [CommandName, number][]; // entries of a literal record

/** A machine with a list in the place of its AMD-SP: it keeps what arrives, and succeeds unless told otherwise. */
export function recordingHost(answer: (command: Arrived, host: Host) => Answer = () => ({})): {
  machine: Machine;
  host: Host;
  arrived: Arrived[];
} {
  const machine = createMachine({
    part: 'genoa',
    encryption: 'XEX',
    entropy: seededEntropy('test', 'machine'),
    observer: createObserver(),
  });
  const { host } = machine;
  const arrived: Arrived[] = [];
  machine.mailbox.connect((id, paddr) => {
    const name = NAMES.find(([, number]) => number === id)![0];
    const layout = LAYOUTS[name];
    const fields = layout?.decode(host.memory.read(paddr, layout.size)) ?? {};
    const command = { name, paddr, fields };
    arrived.push(command);
    const { status = 'SUCCESS', fields: out } = answer(command, host);
    if (layout && out) host.memory.write(paddr, layout.encode({ ...fields, ...out }));
    return { status: statusCode(status) };
  });
  return { machine, host, arrived };
}

/** Zeros that end in a GUIDed table with these entries, and a reset vector. */
export function imageWith(entries: Parameters<typeof buildGuidedTable>[0], size = 0x2000): Uint8Array {
  const table = buildGuidedTable(entries);
  const body = Uint8Array.from({ length: size - table.length - 32 }, (_, i) => i);
  return concat(body, table, new Uint8Array(32));
}

/** An image that wants its secrets there. */
export const imageWithArea = (base: number, size: number): Uint8Array =>
  imageWith([{ guid: SEV_SECRET_BLOCK_GUID, data: AreaBlock.encode({ base, size }) }]);

/** A field that is an address. */
export const paddr = (field: Field | undefined): Spa => spa(typeof field === 'bigint' ? field : 0n);

/** Host memory that is not the VMM's own. */
export const ELSEWHERE: Spa = spa(0x7000_0000n);
