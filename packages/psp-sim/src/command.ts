import { type Struct, struct } from '@sevlab/codec/layout';
import type { SevStatus } from '@sevlab/codec/sev/status';
import { firstUnmet, type Observe, type Precondition } from './preconditions.ts';
import type { SecureProcessor } from './secure-processor.ts';

/**
 * How a command buffer travels (firmware behaviour (Genoa 1.55)):
 * `none` is never touched; `in` is read; `out` is written on SUCCESS; `inout` is read, and written on SUCCESS;
 * `inout-length` is also written on INVALID_LENGTH, with the length that would do.
 */
export type Transfer = 'none' | 'in' | 'out' | 'inout' | 'inout-length';

/** What a command's checks and effect look at. */
export interface CommandContext<Buffer> {
  readonly sp: SecureProcessor;
  /** The command buffer. An effect, or a check of a length, changes it. */
  readonly cmd: Buffer;
}

/** A command as data: the dispatcher, the documentation and the order test read the same rows. */
interface Definition<Buffer, Context extends CommandContext<Buffer>> {
  readonly buffer: Struct<Buffer>;
  readonly transfer: Transfer;
  /** What the rows look at; memory is read when a row or the effect first asks for it. */
  open(sp: SecureProcessor, cmd: Buffer): Context;
  /** The first row that does not hold decides. */
  readonly preconditions: readonly Precondition<Context>[];
  /** Runs when every row held. Returns a status for what can fail only on the way. */
  effect(context: Context): SevStatus;
}

/** A command whose own types nobody outside needs to know. */
export interface Command {
  readonly buffer: Struct<unknown>;
  readonly transfer: Transfer;
  readonly checks: readonly { readonly condition: string; readonly status: SevStatus }[];
  /** Runs on a command buffer, with its tail padding or without, and changes it as the command changes its fields. */
  run(sp: SecureProcessor, bytes: Uint8Array, observe: Observe): SevStatus;
}

/** Makes a command of its definition: decode the buffer, the checks in their order, the effect, encode the buffer. */
export function command<Buffer, Context extends CommandContext<Buffer>>(
  definition: Definition<Buffer, Context>,
): Command {
  const { buffer, transfer, preconditions } = definition;
  return {
    buffer,
    transfer,
    checks: preconditions.map(([condition, , status]) => ({ condition, status })),
    run(sp, bytes, observe) {
      if (sp.state.profile.strictReserved && !reservedAreZero(buffer, bytes)) {
        observe('reserved fields are zero', false, 'INVALID_PARAM');
        return 'INVALID_PARAM';
      }
      const cmd = buffer.decodeAt(bytes, 0);
      const context = definition.open(sp, cmd);
      const unmet = firstUnmet(preconditions, context, observe);
      const status = unmet === 'SUCCESS' ? definition.effect(context) : unmet;
      buffer.encodeInto(bytes, cmd);
      return status;
    },
  };
}

function reservedAreZero(buffer: Struct<unknown>, bytes: Uint8Array): boolean {
  const reserved = buffer.rows.filter(({ type }) => type.startsWith('reserved('));
  return reserved.every(({ offset, size }) =>
    bytes.subarray(offset, offset + size).every((byte) => byte === 0),
  );
}

/** The buffer of a command that has none. */
export const NO_BUFFER = struct('no command buffer', '55766', {});

/** The context of a command whose rows need no more than the state and the buffer. */
export const plain = <Buffer>(sp: SecureProcessor, cmd: Buffer): CommandContext<Buffer> => ({ sp, cmd });

/** Evaluates once, at the first call. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
