const BLOCK = 16;
/** Bytes that one round of the function below goes through. */
export const GROUP: number = 4 * BLOCK;
/** What is worked on at once does not cross a multiple of so many bytes. */
export const REGION: number = 1024 * 1024;
/** One for each bit of a group's number in its region. */
const STEPS = Math.log2(REGION / GROUP);

/** Where the function expects what it works on, in its memory. */
const TWEAK_AT = 0;
const IN_GROUP_AT = 0x10;
const STEPS_AT = IN_GROUP_AT + GROUP;
const DATA_AT = 0x400;

/** A number below 8192 in two bytes of LEB128, signed or not. */
const leb = (number: number): number[] => [0x80 | (number & 0x7f), number >> 7];

// biome-ignore format: an instruction a line
const addToBlock = (offset: number): number[] => [
  0x20, 0x03, 0x20, 0x03,                         //       local.get $at, local.get $at
  0xfd, 0x00, 0x04, ...leb(DATA_AT + offset),     //       v128.load offset=DATA_AT+offset
  0x20, 0x02,                                     //       local.get $tweak
  0x41, 0x00,                                     //       i32.const 0
  0xfd, 0x00, 0x04, ...leb(IN_GROUP_AT + offset), //       v128.load offset=IN_GROUP_AT+offset
  0xfd, 0x51,                                     //       v128.xor
  0xfd, 0x51,                                     //       v128.xor
  0xfd, 0x0b, 0x04, ...leb(DATA_AT + offset),     //       v128.store offset=DATA_AT+offset
];

// biome-ignore format: an instruction a line
const ADD = [
  0x02, 0x01, 0x7b, 0x01, 0x7f,                   //     (local $tweak v128) (local $at i32)
  0x41, 0x00,                                     //     i32.const 0
  0xfd, 0x00, 0x04, TWEAK_AT,                     //     v128.load offset=TWEAK_AT
  0x21, 0x02,                                     //     local.set $tweak
  0x03, 0x40,                                     //     loop
  ...[0, 16, 32, 48].flatMap(addToBlock),
  0x20, 0x02,                                     //       local.get $tweak
  0x20, 0x00, 0x68, 0x41, 0x04, 0x74,             //       local.get $next, i32.ctz, i32.const 4, i32.shl
  0xfd, 0x00, 0x04, STEPS_AT,                     //       v128.load offset=STEPS_AT
  0xfd, 0x51,                                     //       v128.xor
  0x21, 0x02,                                     //       local.set $tweak
  0x20, 0x00, 0x41, 0x01, 0x6a, 0x21, 0x00,       //       local.get $next, i32.const 1, i32.add, local.set $next
  0x20, 0x03, 0x41, ...leb(GROUP), 0x6a, 0x22, 0x03, //    local.get $at, i32.const GROUP, i32.add, local.tee $at
  0x20, 0x01, 0x49,                               //       local.get $end, i32.lt_u
  0x0d, 0x00,                                     //       br_if the loop
  0x0b, 0x0b,                                     //     end, end
];

/**
 * JavaScript has no words of 128 bits, and would take longer over XOR than processors take over AES. So this is
 * WebAssembly. `add` goes through all groups up to `end`, in bytes; `next` is the number of the second group. From one
 * group to the next the tweak changes by the step of the lowest bit that is set in the next one's number.
 */
// biome-ignore format: an instruction a line
const MODULE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // (module
  0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00, //   (type (func (param i32 i32)))
  0x03, 0x02, 0x01, 0x00,                         //   function 0 has type 0
  0x05, 0x03, 0x01, 0x00, 0x11,                   //   (memory 17)
  0x07, 0x10, 0x02,                               //   two exports:
  0x03, 0x61, 0x64, 0x64, 0x00, 0x00,             //   (export "add" (func 0))
  0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, // (export "memory" (memory 0))
  0x0a, ...leb(ADD.length + 3), 0x01,             //   one body:
  ...leb(ADD.length), ...ADD,                     //   (func (param $next i32) (param $end i32) ...)
);

/** WebAssembly, of which @types/node has no values. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly add: (next: number, end: number) => void;
    };
  };
};

const { memory, add } = new WebAssembly.Instance(new WebAssembly.Module(MODULE)).exports;
const TWEAK = new Int32Array(memory.buffer, TWEAK_AT, BLOCK / 4);
const DIFFERENCES = new Int32Array(memory.buffer, IN_GROUP_AT, (GROUP + STEPS * BLOCK) / 4);
const DATA = new Uint8Array(memory.buffer, DATA_AT, REGION);

/**
 * What tweaks differ by: the blocks of a group from the first, then a group from the one before. `constants`: four
 * words for each address bit, from bit 4 on.
 */
export function tweakDifferences(constants: Int32Array): Int32Array {
  const differences = new Int32Array(DIFFERENCES.length);
  const steps = differences.subarray(GROUP / 4);
  for (let word = 0; word < 4; word++) {
    const constant = (bit: number): number => constants[(bit - 4) * 4 + word]!;
    differences[4 + word] = constant(4);
    differences[8 + word] = constant(5);
    differences[12 + word] = constant(4) ^ constant(5);
    for (let step = 0; step < STEPS; step++)
      steps[step * 4 + word] = constant(6 + step) ^ (steps[(step - 1) * 4 + word] ?? 0);
  }
  return differences;
}

/**
 * Adds a tweak to each block of `input`, which lies `inRegion` bytes behind a multiple of REGION and not beyond the
 * next; both are whole blocks. `tweak` is that of the first block in its group, four words. What it returns holds until
 * the next call, and is for the caller to wipe.
 */
export function addTweaks(
  input: Uint8Array,
  inRegion: number,
  tweak: Int32Array,
  differences: Int32Array,
): Uint8Array {
  const inGroup = inRegion % GROUP;
  const end = inGroup + input.length;
  DATA.set(input, inGroup);
  TWEAK.set(tweak);
  DIFFERENCES.set(differences);
  add(Math.floor(inRegion / GROUP) + 1, end);
  return DATA.subarray(inGroup, end);
}
