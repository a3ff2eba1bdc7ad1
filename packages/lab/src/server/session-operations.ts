import type { Operation } from './operation.ts';

const refusal = {
  type: ['object', 'null'],
  description: 'who refused the last step, and why: an answer of the pipeline, no error',
  required: ['step', 'by', 'reason'],
  properties: {
    step: { type: 'string' },
    by: { enum: ['guest-owner', 'host', 'amd-sp', 'firmware', 'kernel', 'sevlab'] },
    status: { type: 'string', description: 'of the AMD-SP' },
    reason: { type: 'string' },
  },
};

const session = {
  type: 'object',
  required: [
    ...['id', 'simulated', 'state', 'next', 'refusal', 'terminal', 'part', 'profile', 'policy', 'linux'],
    ...['seed', 'firmware', 'secrets', 'secretArea', 'idle'],
  ],
  properties: {
    id: { type: 'string' },
    simulated: { const: true },
    state: { type: 'string', description: 'created, then those of advance' },
    next: { type: ['string', 'null'], description: 'the step that is taken next' },
    refusal,
    terminal: { type: 'boolean', description: 'whether somebody reads what is typed' },
    part: { type: 'string' },
    profile: { type: 'string' },
    policy: { type: 'string', description: '32 bits in hexadecimal' },
    linux: { type: 'string' },
    seed: { type: 'string' },
    firmware: {
      type: 'object',
      required: ['sha256', 'size'],
      properties: { sha256: { type: 'string' }, size: { type: 'integer' } },
    },
    secrets: {
      type: 'array',
      items: {
        type: 'object',
        required: ['guid', 'length'],
        properties: { guid: { type: 'string' }, length: { type: 'integer' } },
      },
    },
    secretArea: {
      type: ['object', 'null'],
      description: 'where the image wants the secrets, from the launch on',
      required: ['gpa', 'size'],
      properties: { gpa: { type: 'string' }, size: { type: 'integer' } },
    },
    idle: { type: 'number', description: 'seconds without a request after which the session ends' },
  },
};

export const create: Operation = {
  summary: 'Starts a session: a platform and a guest owner of its own',
  answers: {
    201: { description: 'the session; its id is the key to it', schema: session },
    503: { description: 'all sessions are in use; Retry-After says when to ask again' },
  },
};

export const describe: Operation = {
  summary: 'How a session stands',
  answers: { 200: { description: 'the session', schema: session } },
};

export const end: Operation = {
  summary: 'Ends a session, and its streams',
  answers: { 204: { description: 'it is gone' } },
};

export const advance: Operation = {
  summary: 'Takes honest steps until a state is reached or somebody refuses',
  answers: {
    200: { description: 'the session; `refusal` says if somebody refused', schema: session },
    409: { description: 'the session is there already, or full' },
  },
};

export const host: Operation = {
  summary: 'What the host does to the machine: memory, page tables, commands to the AMD-SP, attacks',
  answers: { 200: { description: 'what the host learns from it', schema: { type: 'object' } } },
};

export const memory: Operation = {
  summary: 'Guest memory as the host, the guest or a device sees it; looking leaves no trace',
  answers: {
    200: {
      description: 'the bytes, and where they lie',
      schema: {
        type: 'object',
        required: ['gpa', 'length', 'eyes', 'seenBy', 'hex', 'parts'],
        properties: {
          gpa: { type: 'string' },
          length: { type: 'integer' },
          eyes: { enum: ['host', 'guest', 'dma'] },
          seenBy: { type: 'string' },
          hex: { type: 'string' },
          parts: {
            type: 'array',
            items: {
              type: 'object',
              required: ['gpa', 'spa', 'length', 'private'],
              properties: {
                gpa: { type: 'string' },
                spa: { type: ['string', 'null'], description: 'null where there is no memory: zeros' },
                length: { type: 'integer' },
                private: { type: 'boolean', description: 'whether the guest has the C-bit set' },
              },
            },
          },
        },
      },
    },
  },
};

export const terminal: Operation = {
  summary: 'Types into the guest’s terminal; what it shows comes as events',
  answers: { 204: { description: 'typed' }, 409: { description: 'the guest does not run' } },
};

export const trace: Operation = {
  summary: 'The trace of a session so far, revealed',
  answers: {
    200: { description: 'JSON Lines', type: 'application/jsonl', schema: { type: 'string' } },
  },
};

export const events: Operation = {
  summary: 'Everything that a session tells, from its beginning or from behind Last-Event-ID on',
  answers: {
    200: {
      description:
        'server-sent events: `trace` with a line of the trace file, `terminal` with {output}, `state` with {state, next, refusal, terminal}',
      type: 'text/event-stream',
      schema: { type: 'string' },
    },
  },
};
