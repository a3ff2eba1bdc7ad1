/** Bytes that are worked on at once: they stay in the processor's cache. */
export const PIECE: number = 32 * 1024;
/** A piece does not cross a multiple of so many bytes: the tweaks within are one constant, and STEPS. */
export const REGION: number = 1024 * 1024;
const BLOCK = 16;
/** One for each bit of a block's number in its region. */
export const STEPS: number = Math.log2(REGION / BLOCK);

/** Where the function below expects what it works on, in its memory. */
const TWEAK_AT = 0;
const STEPS_AT = 0x10;
const DATA_AT = 0x400;

/**
 * JavaScript has no words of 128 bits, and would take longer over XOR than processors take over AES. So this is
 * WebAssembly. `add` goes through all data up to `end`, in bytes; `next` is the number of the second block. From one
 * block to the next the tweak changes by the step of the lowest bit that is set in the next one's number.
 */
// biome-ignore format: an instruction a line
const MODULE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // (module
  0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00, //   (type (func (param i32 i32)))
  0x03, 0x02, 0x01, 0x00,                         //   function 0 has type 0
  0x05, 0x03, 0x01, 0x00, 0x01,                   //   (memory 1)
  0x07, 0x10, 0x02,                               //   two exports:
  0x03, 0x61, 0x64, 0x64, 0x00, 0x00,             //   (export "add" (func 0))
  0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, // (export "memory" (memory 0))
  0x0a, 0x48, 0x01, 0x46,                         //   (func (param $next i32) (param $end i32)
  0x02, 0x01, 0x7b, 0x01, 0x7f,                   //     (local $tweak v128) (local $at i32)
  0x41, TWEAK_AT,                                 //     i32.const
  0xfd, 0x00, 0x04, 0x00,                         //     v128.load
  0x21, 0x02,                                     //     local.set $tweak
  0x03, 0x40,                                     //     loop
  0x20, 0x03, 0x20, 0x03,                         //       local.get $at, local.get $at
  0xfd, 0x00, 0x04, 0x80, DATA_AT >> 7,           //       v128.load offset=DATA_AT
  0x20, 0x02,                                     //       local.get $tweak
  0xfd, 0x51,                                     //       v128.xor
  0xfd, 0x0b, 0x04, 0x80, DATA_AT >> 7,           //       v128.store offset=DATA_AT
  0x20, 0x02,                                     //       local.get $tweak
  0x20, 0x00, 0x68, 0x41, 0x04, 0x74,             //       local.get $next, i32.ctz, i32.const 4, i32.shl
  0xfd, 0x00, 0x04, STEPS_AT,                     //       v128.load offset=STEPS_AT
  0xfd, 0x51,                                     //       v128.xor
  0x21, 0x02,                                     //       local.set $tweak
  0x20, 0x00, 0x41, 0x01, 0x6a, 0x21, 0x00,       //       local.get $next, i32.const 1, i32.add, local.set $next
  0x20, 0x03, 0x41, 0x10, 0x6a, 0x22, 0x03,       //       local.get $at, i32.const 16, i32.add, local.tee $at
  0x20, 0x01, 0x49,                               //       local.get $end, i32.lt_u
  0x0d, 0x00,                                     //       br_if the loop
  0x0b, 0x0b,                                     //     end, end
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
const ALL_STEPS = new Int32Array(memory.buffer, STEPS_AT, (STEPS * BLOCK) / 4);
const DATA = new Uint8Array(memory.buffer, DATA_AT, PIECE);

/**
 * Adds a tweak to each block of `input`, which lies `inRegion` bytes behind a multiple of REGION and not beyond the
 * next, and has PIECE bytes at most; both are whole blocks. `first` is the tweak of its first block, four words;
 * `steps` is STEPS times four words. What it returns holds until the next call.
 */
export function addTweaks(
  input: Uint8Array,
  inRegion: number,
  first: Int32Array,
  steps: Int32Array,
): Uint8Array {
  DATA.set(input);
  TWEAK.set(first);
  ALL_STEPS.set(steps);
  add(inRegion / BLOCK + 1, input.length);
  return DATA.subarray(0, input.length);
}
