import type { SevStatus } from '@sevlab/codec/sev/status';

/** A command of the well-behaved sequence failed, and the VMM gives up. */
export class CommandFailed extends Error {
  readonly command: string;
  readonly status: SevStatus;

  constructor(command: string, status: SevStatus) {
    super(`${command} failed with ${status}; expected SUCCESS`);
    this.name = 'CommandFailed';
    this.command = command;
    this.status = status;
  }
}

/** The VMM cannot use an image or an option. */
export class VmmError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'VmmError';
  }
}
