import type { Entropy } from '@sevlab/ambient/entropy';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { PLAIN_GUEST } from '@sevlab/guest-kernel-sim/plain-guest';
import type { EfiTableName, KernelTables } from './case.ts';
import { Dice, type Probe } from './fuzz-areas.ts';
import { tableFaults } from './kernel-probe.ts';
import { secretAreaBytes } from './secret-area.ts';

/** Memory of the firmware in which nothing is written. */
const NOTHING_AT = '0x825000';
/** Free memory that the kernel does not come to, with a location in it. */
const RAM_LOCATION_AT = '0x2100000';

/** Where an entry of the configuration table may point. */
const ADDRESSES = [
  '0x820300',
  '0x820300',
  RAM_LOCATION_AT,
  NOTHING_AT,
  '0x820308',
  '0x40000000',
  '0xffffffffffffffff',
  0,
] as const;
/** What can go wrong, one by one. A later fault may take back what an earlier one did. */
const FAULTS: readonly ((dice: Dice) => KernelTables)[] = [
  () => ({ loader: 'none' }),
  (dice) => ({ systemTable: { signature: dice.pick(['HBI SYST', 'IBI SYSt', '        ']) } }),
  (dice) => ({ systemTable: { revision: dice.pick([0, 1, 0x1_0000, 0x2_001f, 0x2_0064, 0xffff_ffff]) } }),
  (dice) => ({ systemTable: { crc: dice.number(0x1_0000), headerSize: dice.pick([0, 24, 119, 4096]) } }),
  (dice) => ({ systemTable: { vendor: dice.pick(['0xffffffffffffff80', NOTHING_AT]) } }),
  (dice) => ({ systemTable: { count: dice.pick([0, 1, 2, 9, 10_922, 12_000]) } }),
  (dice) => ({ entries: drawEntries(dice) }),
  (dice) => ({ entries: drawEntries(dice) }),
  (dice) =>
    dice.pick([
      { memoryMap: { size: 0 } },
      { memoryMap: { descriptorVersion: 2 } },
      { memoryMap: { descriptorSize: 40 } },
      { memoryMap: { address: 0 } },
      { commandLine: 'add_efi_memmap' },
    ] satisfies KernelTables[]),
  () => ({ commandLine: 'noefi' }),
  (dice) => ({
    page: {
      e820: dice.pick(['usable', 'reserved', 'ACPI data', 'ACPI NVS']),
      efi: dice.pick(['EfiReservedMemoryType', 'EfiConventionalMemory', 'EfiACPIMemoryNVS']),
    },
  }),
];

const TABLES: readonly EfiTableName[] = [
  'CocoSecret',
  'CocoSecret',
  'ACPI 2.0',
  'ACPI',
  'SMBIOS 3.0',
  'GUID swapped',
  'unknown',
];

const drawEntries = (dice: Dice): NonNullable<KernelTables['entries']> =>
  Array.from({ length: dice.number(5) }, () => {
    const table = dice.pick(TABLES);
    return { table, address: table === 'CocoSecret' ? dice.pick(ADDRESSES) : NOTHING_AT };
  });

/** Tables in which up to four things are wrong, and a sound area, or one that nobody filled. */
export function drawTables(name: string, entropy: Entropy): Probe {
  const dice = new Dice(entropy);
  const drawn = Array.from({ length: 1 + dice.number(4) }, () => dice.pick(FAULTS)(dice));
  const tables: KernelTables = {
    ...Object.assign({}, ...drawn),
    systemTable: Object.assign({}, ...drawn.map(({ systemTable }) => systemTable)),
    bytes: [{ at: RAM_LOCATION_AT, bytes: `00c0800000000000${'0010000000000000'}` }],
  };
  return {
    name,
    area: dice.oneIn(6) ? encodeSecretTable([]) : secretAreaBytes(dice.oneIn(6) ? 'zeros' : 'documentation'),
    base: PLAIN_GUEST.area,
    size: 0x1000n, // a whole page, which no kernel maps when it is RAM
    mode: 'load',
    operations: ['bind', 'cat /sys/firmware/efi/systab'],
    tables: tableFaults(tables),
  };
}
