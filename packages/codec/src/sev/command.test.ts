import { expect, test } from 'vitest';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from './command.ts';

/** Identifier, size as 55766 counts it, size that the firmware copies: a C structure with its tail padding. */
const BUFFERS: readonly (readonly [keyof typeof COMMAND_BUFFERS, number, number, number])[] = [
  ['INIT', 0x001, 0x14, 0x18],
  ['PLATFORM_STATUS', 0x004, 0x0c, 0x0c],
  ['PDH_CERT_EXPORT', 0x008, 0x1c, 0x20],
  ['DECOMMISSION', 0x020, 0x04, 0x04],
  ['ACTIVATE', 0x021, 0x08, 0x08],
  ['DEACTIVATE', 0x022, 0x04, 0x04],
  ['GUEST_STATUS', 0x023, 0x0d, 0x10],
  ['LAUNCH_START', 0x030, 0x24, 0x28],
  ['LAUNCH_UPDATE_DATA', 0x031, 0x14, 0x18],
  ['LAUNCH_MEASURE', 0x033, 0x14, 0x18],
  ['LAUNCH_SECRET', 0x034, 0x34, 0x38],
  ['LAUNCH_FINISH', 0x035, 0x04, 0x04],
];

test.each(BUFFERS)('%s has its identifier and both sizes', (name, id, size, paddedSize) => {
  expect(COMMAND_ID[name]).toBe(id);
  expect(COMMAND_BUFFERS[name].size).toBe(size);
  expect(COMMAND_BUFFERS[name].paddedSize).toBe(paddedSize);
});

test('the table has a row for every buffer', () => {
  expect(BUFFERS.map(([name]) => name).sort()).toEqual(Object.keys(COMMAND_BUFFERS).sort());
});

/** The commands that have no buffer, or none that sevlab takes apart. */
test.each<[CommandName, number]>([
  ['SHUTDOWN', 0x002],
  ['PLATFORM_RESET', 0x003],
  ['PEK_GEN', 0x005],
  ['PEK_CSR', 0x006],
  ['PEK_CERT_IMPORT', 0x007],
  ['PDH_GEN', 0x009],
  ['DF_FLUSH', 0x00a],
  ['DOWNLOAD_FIRMWARE', 0x00b],
  ['GET_ID', 0x00c],
  ['INIT_EX', 0x00d],
  ['NOP', 0x00e],
  ['RING_BUFFER', 0x00f],
  ['COPY', 0x024],
  ['ACTIVATE_EX', 0x025],
  ['LAUNCH_UPDATE_VMSA', 0x032],
  ['ATTESTATION', 0x036],
  ['SEND_START', 0x040],
  ['SEND_UPDATE_DATA', 0x041],
  ['SEND_UPDATE_VMSA', 0x042],
  ['SEND_FINISH', 0x043],
  ['SEND_CANCEL', 0x044],
  ['RECEIVE_START', 0x050],
  ['RECEIVE_UPDATE_DATA', 0x051],
  ['RECEIVE_UPDATE_VMSA', 0x052],
  ['RECEIVE_FINISH', 0x053],
  ['DBG_DECRYPT', 0x060],
  ['DBG_ENCRYPT', 0x061],
  ['SWAP_OUT', 0x070],
  ['SWAP_IN', 0x071],
])('%s is command 0x%s', (name, id) => {
  expect(COMMAND_ID[name]).toBe(id);
});

test('no two commands share an identifier', () => {
  const ids = Object.values(COMMAND_ID);
  expect(ids).toHaveLength(41);
  expect(new Set(ids).size).toBe(ids.length);
});
