export type ErrorClass = 'GenericError' | 'CommandNotFound' | 'DeviceNotFound' | 'DeviceNotActive';

/** A command's refusal, as the client gets it. */
export class QmpError extends Error {
  readonly class: ErrorClass;

  constructor(desc: string, errorClass: ErrorClass = 'GenericError') {
    super(desc);
    this.name = 'QmpError';
    this.class = errorClass;
  }
}
