import { isReadable, readMemory } from '../qemu/memory-map.ts';
import type { QemuMachine } from '../qemu/qemu-machine.ts';
import type { DumpFormat } from './human-line.ts';

/** How a unit of so many bytes is written (QEMU 7.2, monitor/misc.c: memory_dump). */
const FORMATS: Readonly<Record<string, (value: bigint, size: number) => string>> = {
  x: (value, size) => `0x${value.toString(16).padStart(size * 2, '0')}`,
  o: (value, size) => octal(value).padStart(Math.ceil((size * 8) / 3)),
  u: (value, size) => value.toString().padStart(COLUMNS[size]!), // the parser knows its units
  d: (value, size) => BigInt.asIntN(64, value).toString().padStart(COLUMNS[size]!), // the sign of 64 bits, whatever the unit
  c: printable,
};
const COLUMNS: Readonly<Record<number, number>> = { 1: 3, 2: 5, 4: 10, 8: 20 };

const octal = (value: bigint): string => (value === 0n ? '0' : `0${value.toString(8)}`);

const CHARACTERS: ReadonlyMap<bigint, string> = new Map([
  [0x27n, "\\'"],
  [0x5cn, '\\\\'],
  [0x0an, '\\n'],
  [0x0dn, '\\r'],
]);

function printable(value: bigint): string {
  const plain =
    value >= 32n && value <= 126n
      ? String.fromCharCode(Number(value))
      : `\\x${value.toString(16).padStart(2, '0')}`;
  return `'${CHARACTERS.get(value) ?? plain}'`;
}

/** More is not shown, in bytes. */
const DUMP_MAX = 0x8000;

/** `xp`: what the host sees, which is ciphertext where the guest's memory is private. Lines, each with its end. */
export function dumpMemory(
  machine: QemuMachine,
  from: bigint,
  count: number,
  { format, size }: DumpFormat,
): string {
  const total = Math.min(Math.imul(count, size), DUMP_MAX); // DEVIATION: QEMU goes on as long as there is memory
  const row = size === 1 ? 8 : 16;
  const unit = format === 'c' ? 1 : size;
  let lines = '';
  for (let offset = 0; offset < total; offset += row) {
    const at = BigInt.asUintN(64, from + BigInt(offset));
    const length = Math.min(row, total - offset);
    const head = `${at.toString(16).padStart(16, '0')}:`;
    if (!isReadable(machine.map, at, BigInt(length))) return `${lines}${head} Cannot access memory\n`;
    const bytes = readMemory(machine, at, length);
    const cells = Array.from(
      { length: length / unit },
      (_, i) => FORMATS[format]!(littleEndian(bytes.subarray(i * unit, (i + 1) * unit)), unit), // the parser knows its formats
    );
    lines += `${head} ${cells.join(' ')}\n`;
  }
  return lines;
}

const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** `print`: a number alone. */
export function printNumber(value: bigint, { format }: DumpFormat): string {
  const bits = BigInt.asUintN(64, value);
  if (format === 'c') return printable(BigInt.asUintN(32, bits));
  if (format === 'd') return value.toString();
  if (format === 'u') return bits.toString();
  if (format === 'o') return octal(bits);
  return bits === 0n ? '0' : `0x${bits.toString(16)}`;
}
