import type { Struct } from '@sevlab/codec/layout';
import type { TraceBody, TraceEvent } from '@sevlab/codec/trace';

/** An event whose byte fields may be bytes, text, or only a length. */
export type AnyEvent = TraceEvent<unknown>;
export type EventOf<Type extends TraceBody['type']> = Extract<AnyEvent, { readonly type: Type }>;

/** What a byte field is when a trace file was read: the bytes, or how many there were. */
export type TraceBytes = Uint8Array | { readonly length: number };

type Fields = Readonly<Record<string, unknown>> | undefined;

/** The bytes of a field; undefined when it is not there or its bytes are not in the trace. */
export function bytesOf(fields: Fields, name: string): Uint8Array | undefined {
  const value = fields?.[name];
  return value instanceof Uint8Array ? value : undefined;
}

/** How many bytes a field has; undefined when it is not there, or as text. */
export function lengthOf(fields: Fields, name: string): number | undefined {
  const value = fields?.[name];
  if (typeof value !== 'object' || value === null || !('length' in value)) return undefined;
  return typeof value.length === 'number' ? value.length : undefined;
}

/** The structure at the start of `bytes`; undefined when they are not there or too few. */
export const decoded = <T>(layout: Struct<T>, bytes: Uint8Array | undefined): T | undefined =>
  bytes !== undefined && bytes.length >= layout.size ? layout.decodeAt(bytes, 0) : undefined;

/** The events of one type. */
export const ofType = <Type extends TraceBody['type']>(
  events: readonly AnyEvent[],
  type: Type,
): EventOf<Type>[] => events.filter((event): event is EventOf<Type> => event.type === type);
