import type { GuestContext } from '@sevlab/machine/machine';
import type { Kernel } from './kernel.ts';
import { LOG_LEVEL } from './printk.ts';
import {
  type OperationResult,
  type OperationScope,
  type ParsedOperation,
  perform,
} from './probe-operations.ts';
import { ROOT } from './user.ts';

/** Runs operations one after another as root, and tells with each what the driver logged meanwhile. */
export class OperationRunner {
  readonly #scope: OperationScope;
  #reported: number;

  /** Lines that the kernel logged before this are nobody's. */
  constructor(kernel: Kernel, context: GuestContext) {
    this.#scope = { kernel, context, sys: kernel.as(ROOT), descriptors: new Map() };
    this.#reported = kernel.state.log.length;
  }

  run(operation: ParsedOperation): OperationResult {
    const result = perform(operation, this.#scope);
    const k = this.driverLines();
    return k.length > 0 ? { ...result, k } : result;
  }

  /** Lines of the driver since the last call or operation, each with its level in front. */
  driverLines(): string[] {
    const { log } = this.#scope.kernel.state;
    const lines = log.slice(this.#reported);
    this.#reported = log.length;
    return lines
      .filter(({ text }) => /^efi_secret( efi_secret\.0)?:/.test(text))
      .map(({ level, text }) => `<${LOG_LEVEL[level]}>${text}`);
  }
}
