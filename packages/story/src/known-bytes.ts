import { equal } from '@sevlab/codec/bytes';
import { type AnyEvent, bytesOf, type EventOf, ofType } from './event.ts';

/** Where the bytes of a host's access are known from. */
export type Origin =
  /** The host writes what a message had under that name. */
  | { readonly kind: 'message'; readonly field: string }
  /** The host reads what that command wrote. */
  | { readonly kind: 'command'; readonly name: string };

/** Fields of messages, and what commands wrote, as far as the trace went. */
export class KnownBytes {
  readonly #fields: { readonly field: string; readonly bytes: Uint8Array }[] = [];
  readonly #written = new Map<string, string>();

  /** Takes in the next step. */
  add(events: readonly AnyEvent[]): void {
    for (const { open } of ofType(events, 'message')) {
      for (const field of Object.keys(open ?? {})) {
        const bytes = bytesOf(open, field);
        if (bytes !== undefined) this.#fields.push({ field, bytes });
      }
    }
    const [command] = ofType(events, 'command');
    for (const event of ofType(events, 'access')) {
      const place = placeOf(event);
      if (event.operation !== 'write' || place === undefined) continue;
      if (event.actor === 'amd-sp' && command !== undefined) this.#written.set(place, command.name);
      else this.#written.delete(place);
    }
  }

  /** Undefined when the bytes come from nowhere that the trace tells of. */
  originOf(event: EventOf<'access'>): Origin | undefined {
    if (event.operation === 'read') {
      const place = placeOf(event);
      const name = place && this.#written.get(place);
      return name === undefined ? undefined : { kind: 'command', name };
    }
    const cells = bytesOf(event.open, 'cells');
    const known = cells && this.#fields.findLast(({ bytes }) => equal(bytes, cells));
    return known && { kind: 'message', field: known.field };
  }
}

/** Address and length, for raw accesses of one segment. */
const placeOf = ({ view, segments: [only, ...others], length }: EventOf<'access'>): string | undefined =>
  view === 'raw' && only !== undefined && others.length === 0 ? `${only.spa}+${length}` : undefined;
