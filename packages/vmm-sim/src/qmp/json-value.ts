/** A value of a client's: `bigint` for what JSON writes as a whole number of up to 64 bits, `number` for any other. */
export type JsonValue = null | boolean | string | bigint | number | readonly JsonValue[] | JsonObject;

/** Members in the order in which they were given. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** What a server answers: as JsonValue, but objects may be written as they are. */
export type Reply =
  | null
  | boolean
  | string
  | bigint
  | number
  | readonly Reply[]
  | ReadonlyMap<string, Reply>
  | { readonly [member: string]: Reply };
