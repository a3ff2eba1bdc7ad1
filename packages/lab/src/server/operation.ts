/** What the description of the API says of a route beyond the schemas that its requests are held against. */
export interface Operation {
  readonly summary: string;
  /** Content types of the body, where it is no JSON. */
  readonly takes?: readonly string[];
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
}

export interface Answer {
  readonly description: string;
  /** Default: application/json. */
  readonly type?: string;
  /** JSON Schema of the body. */
  readonly schema?: object;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly operation?: Operation;
  }
}
