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

/** Where Linux has the fields (include/linux/psp-sev.h, struct sev_data_…): offset and size in bytes. */
test.each<[keyof typeof COMMAND_BUFFERS, [string, number, number][]]>([
  [
    'PLATFORM_STATUS',
    [
      ['apiMajor', 0, 1],
      ['apiMinor', 1, 1],
      ['state', 2, 1],
      ['owner', 3, 1],
      ['config', 4, 2],
      ['build', 7, 1],
      ['guestCount', 8, 4],
    ],
  ],
  [
    'PDH_CERT_EXPORT',
    [
      ['pdhPaddr', 0, 8],
      ['pdhLen', 8, 4],
      ['certsPaddr', 16, 8],
      ['certsLen', 24, 4],
    ],
  ],
  [
    'ACTIVATE',
    [
      ['handle', 0, 4],
      ['asid', 4, 4],
    ],
  ],
  [
    'GUEST_STATUS',
    [
      ['handle', 0, 4],
      ['policy', 4, 4],
      ['asid', 8, 4],
      ['state', 12, 1],
    ],
  ],
  [
    'LAUNCH_START',
    [
      ['handle', 0, 4],
      ['policy', 4, 4],
      ['dhCertPaddr', 8, 8],
      ['dhCertLen', 16, 4],
      ['sessionPaddr', 24, 8],
      ['sessionLen', 32, 4],
    ],
  ],
  [
    'LAUNCH_UPDATE_DATA',
    [
      ['handle', 0, 4],
      ['paddr', 8, 8],
      ['length', 16, 4],
    ],
  ],
  [
    'LAUNCH_MEASURE',
    [
      ['handle', 0, 4],
      ['measurePaddr', 8, 8],
      ['measureLen', 16, 4],
    ],
  ],
  [
    'LAUNCH_SECRET',
    [
      ['handle', 0, 4],
      ['hdrPaddr', 8, 8],
      ['hdrLen', 16, 4],
      ['guestPaddr', 24, 8],
      ['guestLen', 32, 4],
      ['transPaddr', 40, 8],
      ['transLen', 48, 4],
    ],
  ],
])('%s has its live fields where Linux has them', (name, fields) => {
  const live = COMMAND_BUFFERS[name].rows.filter(({ type }) => !type.startsWith('reserved('));
  expect(live.map((row) => [row.name, row.offset, row.size])).toEqual(fields);
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
