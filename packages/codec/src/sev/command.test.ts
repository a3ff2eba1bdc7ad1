import { expect, test } from 'vitest';
import { COMMAND_BUFFERS, COMMAND_ID, type CommandName } from './command.ts';

/** Identifier, size as 55766 counts it, size that the firmware copies: a C structure with its tail padding. */
const BUFFERS: readonly (readonly [keyof typeof COMMAND_BUFFERS, number, number, number])[] = [
  ['INIT', 0x001, 0x14, 0x18],
  ['INIT_EX', 0x00d, 0x24, 0x28],
  ['PLATFORM_STATUS', 0x004, 0x0c, 0x0c],
  ['PEK_CSR', 0x006, 0x0c, 0x10],
  ['PEK_CERT_IMPORT', 0x007, 0x1c, 0x20],
  ['PDH_CERT_EXPORT', 0x008, 0x1c, 0x20],
  ['GET_ID', 0x00c, 0x0c, 0x10],
  ['DECOMMISSION', 0x020, 0x04, 0x04],
  ['ACTIVATE', 0x021, 0x08, 0x08],
  ['DEACTIVATE', 0x022, 0x04, 0x04],
  ['GUEST_STATUS', 0x023, 0x0d, 0x10],
  ['LAUNCH_START', 0x030, 0x24, 0x28],
  ['LAUNCH_UPDATE_DATA', 0x031, 0x14, 0x18],
  ['LAUNCH_MEASURE', 0x033, 0x14, 0x18],
  ['LAUNCH_SECRET', 0x034, 0x34, 0x38],
  ['LAUNCH_UPDATE_VMSA', 0x032, 0x14, 0x18],
  ['LAUNCH_FINISH', 0x035, 0x04, 0x04],
  ['ATTESTATION', 0x036, 0x24, 0x28],
  ['COPY', 0x024, 0x18, 0x18],
  ['ACTIVATE_EX', 0x025, 0x18, 0x18],
  ['SEND_START', 0x040, 0x44, 0x48],
  ['SEND_UPDATE_DATA', 0x041, 0x34, 0x38],
  ['SEND_UPDATE_VMSA', 0x042, 0x34, 0x38],
  ['SEND_FINISH', 0x043, 0x04, 0x04],
  ['SEND_CANCEL', 0x044, 0x04, 0x04],
  ['RECEIVE_START', 0x050, 0x24, 0x28],
  ['RECEIVE_UPDATE_DATA', 0x051, 0x34, 0x38],
  ['RECEIVE_UPDATE_VMSA', 0x052, 0x34, 0x38],
  ['RECEIVE_FINISH', 0x053, 0x04, 0x04],
  ['DBG_DECRYPT', 0x060, 0x1c, 0x20],
  ['DBG_ENCRYPT', 0x061, 0x1c, 0x20],
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
    'INIT_EX',
    [
      ['length', 0, 4],
      ['flags', 4, 2],
      ['reserved06', 6, 2],
      ['tmrPaddr', 8, 8],
      ['tmrLen', 16, 4],
      ['reserved14', 20, 4],
      ['nvPaddr', 24, 8],
      ['nvLen', 32, 4],
    ],
  ],
  [
    'PEK_CERT_IMPORT',
    [
      ['pekPaddr', 0, 8],
      ['pekLen', 8, 4],
      ['ocaPaddr', 16, 8],
      ['ocaLen', 24, 4],
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
  [
    'SEND_START',
    [
      ['handle', 0, 4],
      ['policy', 4, 4],
      ['pdhCertPaddr', 8, 8],
      ['pdhCertLen', 16, 4],
      ['platCertsPaddr', 24, 8],
      ['platCertsLen', 32, 4],
      ['amdCertsPaddr', 40, 8],
      ['amdCertsLen', 48, 4],
      ['sessionPaddr', 56, 8],
      ['sessionLen', 64, 4],
    ],
  ],
  [
    'SEND_UPDATE_DATA',
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
  [
    'RECEIVE_START',
    [
      ['handle', 0, 4],
      ['policy', 4, 4],
      ['pdhCertPaddr', 8, 8],
      ['pdhCertLen', 16, 4],
      ['sessionPaddr', 24, 8],
      ['sessionLen', 32, 4],
    ],
  ],
  [
    'RECEIVE_UPDATE_DATA',
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
  [
    'ATTESTATION',
    [
      ['handle', 0, 4],
      ['paddr', 8, 8],
      ['mnonce', 16, 16],
      ['length', 32, 4],
    ],
  ],
  [
    'DBG_DECRYPT',
    [
      ['handle', 0, 4],
      ['srcPaddr', 8, 8],
      ['dstPaddr', 16, 8],
      ['length', 24, 4],
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
  ['PDH_GEN', 0x009],
  ['DF_FLUSH', 0x00a],
  ['DOWNLOAD_FIRMWARE', 0x00b],
  ['NOP', 0x00e],
  ['RING_BUFFER', 0x00f],
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
