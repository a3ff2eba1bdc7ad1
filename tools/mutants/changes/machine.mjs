// DRAM, memory encryption, and what each actor can reach.
import { inFile } from './in-file.mjs';

const machine = (name, ...rows) => inFile(`packages/machine/src/${name}.ts`, ...rows);

export const MACHINE = [
  ...machine(
    'xex',
    ['memory is not encrypted', "if (this.#mode === 'identity')", "if (this.#mode !== 'XE')"],
    [
      'the same bytes are the same cells everywhere',
      'const before = way.tweakBefore ?',
      'const before = way.tweakBefore && !way ?',
    ],
    [
      'nothing is mixed into memory behind the cipher',
      'const after = way.tweakAfter ?',
      'const after = way.tweakAfter && !way ?',
    ],
    [
      'the same bytes are the same cells in every page',
      'const tweak = this.#tweak(address - (address % GROUP));',
      'const tweak = this.#tweak((address % 4096) - (address % GROUP));',
    ],
    [
      'all ASIDs have the key that was used first',
      'let ways = this.#keys.get(key);',
      'key = this.first ??= key;\n    let ways = this.#keys.get(key);',
    ],
  ),
  ...machine(
    'memory-controller',
    [
      'a write through a key clears the block around it',
      'blocks === plain.length ? plain : this.#fillEdges(key, start, blocks, offset, plain)',
      'blocks === plain.length ? plain : Buffer.concat([new Uint8Array(offset), plain, new Uint8Array(blocks - offset - plain.length)])',
    ],
    [
      'only the first block around a write is kept',
      'if (offset + plain.length < blocks && (last > 0 || offset === 0)) fill(last);',
      '',
    ],
    [
      'a read through a key starts at the block',
      'plain.subarray(offset, offset + length)',
      'plain.subarray(0, length)',
    ],
    [
      'an ASID without a key reads cells',
      'if (key === undefined) throw',
      'if (key === undefined) return new Uint8Array(32);\n    if (asid < 0) throw',
    ],
  ),
  ...machine(
    'machine',
    ['DRAM ends a page before the hole', 'end: 0x8000_0000n', 'end: 0x7fff_f000n'],
    ['DRAM goes on into the hole', 'end: 0x8000_0000n', 'end: 0x8000_1000n'],
    ['DRAM starts a page behind the hole', '{ start: 0x1_0000_0000n', '{ start: 0x1_0000_1000n'],
    ['DRAM ends a page before its last address', '0x3ffd_0000_0000n', '0x3ffc_ffff_f000n'],
    [
      'VMRUN takes any ASID',
      'if (!machine.memory.state.runnable.has(asid)) throw new VmrunRefused(asid);',
      '',
    ],
    ['VMRUN takes any VMSA', 'asid < PARTS[machine.state.part].minSevAsid &&\n', 'asid < 0 &&\n'],
    [
      'WBINVD reaches the first core alone',
      'this.#machine.state.wbinvd[each] = true',
      'this.#machine.state.wbinvd[each] = each === 0',
    ],
    [
      'WBINVD of one core counts for all',
      'core === undefined ? CORES : [core]',
      'core === undefined ? CORES : CORES',
    ],
    ['CPUID tells of another C-bit', 'ebx: part.cBit |', 'ebx: (part.cBit - 1) |'],
    ['CPUID tells of no SEV', 'es ? 0b1010 : 0b10,', 'es ? 0b1000 : 0b00,'],
    ['SEV_STATUS says that SEV is not active', 'es ? 0b11n : 0b1n', 'es ? 0b10n : 0b0n'],
    ['SEV-ES is active in every guest', 'const es = asid < part.minSevAsid;', 'const es = asid > 0;'],
    ['each core is a complex of its own', '[0, 1],\n  [2, 3],', '[0],\n  [1],\n  [2],\n  [3],'],
  ),
  ...machine(
    'views',
    [
      'a guest writes private memory as it is',
      'const written = this.#memory.writeEncrypted(this.#asid, at, part);',
      'this.#memory.write(at, part);\n      const written = { start: Number(at), cells: part };',
    ],
    [
      'a guest reads private memory as it is',
      'const plain = gather(places, length, (at, size) => this.#memory.readEncrypted(this.#asid, at, size));',
      'const plain = gather(places, length, (at, size) => this.#memory.read(at, size));',
    ],
    [
      'a guest reads shared memory through its key',
      'return gather(places, length, (at, size) => this.#memory.read(at, size));',
      'return gather(places, length, (at, size) => this.#memory.readEncrypted(this.#asid, at, size));',
    ],
    [
      'the AMD-SP takes the C-bit for an address when it reads',
      'read(address: Spa, length: number): Uint8Array {\n    const at = withoutCBit(this.#part, address);',
      'read(address: Spa, length: number): Uint8Array {\n    const at = this.#part && address;',
    ],
    [
      'the AMD-SP takes the C-bit for an address when it writes',
      'write(address: Spa, cells: Uint8Array): void {\n    const at = withoutCBit(this.#part, address);',
      'write(address: Spa, cells: Uint8Array): void {\n    const at = this.#part && address;',
    ],
    [
      'the AMD-SP takes the C-bit for an address when it encrypts',
      'writeEncrypted(asid, withoutCBit(this.#part, address), plain)',
      'writeEncrypted(asid, address, plain)',
    ],
    [
      'the AMD-SP takes the C-bit for an address when it decrypts',
      'Uint8Array {\n    const at = withoutCBit(this.#part, address);\n    const plain',
      'Uint8Array {\n    const at = this.#part && address;\n    const plain',
    ],
    [
      'an ASID keeps its first key',
      'this.#memory.state.keys.set(asid, installed);',
      'if (!this.#memory.state.keys.has(asid)) this.#memory.state.keys.set(asid, installed);',
    ],
    ['VMRUN accepts an ASID once and for all', 'else this.#memory.state.runnable.delete(asid);', ''],
  ),
  ...machine(
    'part',
    ['Genoa has an ASID less', 'maxAsid: 1006', 'maxAsid: 1005'],
    ['the C-bit of Genoa is bit 47', 'genoa: { cBit: 51', 'genoa: { cBit: 47'],
    [
      'SEV-ES has an ASID more',
      'genoa: { cBit: 51, maxAsid: 1006, minSevAsid: 100',
      'genoa: { cBit: 51, maxAsid: 1006, minSevAsid: 101',
    ],
  ),
  ...machine(
    'devices/mailbox',
    ['the command is in bits 15:8', '(value >>> 16) & 0xff', '(value >>> 8) & 0xff'],
    ['the command has 9 bits', '(value >>> 16) & 0xff', '(value >>> 16) & 0x1ff'],
    [
      'the answer does not tell the command',
      '(RESPONSE_READY | (command << 16) | status)',
      '(RESPONSE_READY | status)',
    ],
    [
      'the AMD-SP never says that it has answered',
      '(RESPONSE_READY | (command << 16) | status)',
      '((command << 16) | status)',
    ],
    ['the upper half of the address does not count', '(BigInt(registers.CmdBufAddr_Hi) << 32n) |', '0n |'],
    [
      'the halves of the address change places',
      'registers.CmdBufAddr_Lo = Number(errorStack & 0xffff_ffffn);',
      'registers.CmdBufAddr_Hi = Number(errorStack & 0xffff_ffffn);',
    ],
    [
      'writing bit 31 rings',
      "if (register !== 'CmdResp' || (value & RESPONSE_READY) !== 0) return;",
      "if (register !== 'CmdResp') return;",
    ],
    [
      'writing the address rings',
      "if (register !== 'CmdResp' || (value & RESPONSE_READY) !== 0) return;",
      'if ((value & RESPONSE_READY) !== 0) return;',
    ],
  ),
  ...machine(
    'vmsa',
    ['the cell of a VMSA is named 8 bytes further', 'const CELL = 0x388;', 'const CELL = 0x390;'],
    ['the checksum of a VMSA covers the whole page', 'CHECKED_SIZE = 0xfc0', 'CHECKED_SIZE = 0x1000'],
    ['the checksum of a VMSA covers nothing', 'CHECKED_SIZE = 0xfc0', 'CHECKED_SIZE = 0'],
  ),
];
