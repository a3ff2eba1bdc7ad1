import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { LAYOUTS } from '@sevlab/firmware-sim/layouts';
import { KERNEL_PROFILES } from '@sevlab/guest-kernel-sim/profile';
import { PARTS } from '@sevlab/machine/part';
import { PROFILES } from '@sevlab/psp-sim/profile';
import { EYES } from '../memory-eyes.ts';
import { REACHABLE_STATES } from './session.ts';

/** An object that has no fields but these. */
const record = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) => ({
  type: 'object' as const,
  additionalProperties: false,
  required,
  properties,
});

const text = (maxLength: number, description?: string) => ({
  type: 'string',
  maxLength,
  ...(description !== undefined && { description }),
});

/** The words of `description` stand behind "expected". */
const address = {
  type: 'string',
  pattern: '^0x[0-9a-fA-F]{1,12}$',
  description: 'an address in hexadecimal of at most 48 bits, such as "0x810000"',
} as const;

const hexOfAtMost = (bytes: number) => ({
  type: 'string',
  maxLength: 2 * bytes,
  pattern: '^([0-9a-fA-F]{2})*$',
  description: `at most ${bytes} bytes in hexadecimal, such as "6b6579"`,
});

/** Of memory that is read or written at once. Bytes. */
const MEMORY_MAX = 65_536;
/** Of one secret; a packet holds 16 KiB, and what does not fit is the guest owner's to refuse. Bytes. */
const SECRET_MAX = 32_768;

const guid = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  description: 'a GUID such as 736869e5-84f0-4973-92ec-06879ce3da0b',
};

const length = { type: 'integer', minimum: 1, maximum: MEMORY_MAX };

export const runQuery = record({ seed: text(200, 'another seed: other keys, other bytes') });

export const scenarioParams = record({ id: text(200) }, ['id']);
export const partedScenarioParams = record(
  { id: text(100, 'what stands before the slash'), rest: text(100, 'what stands behind it') },
  ['id', 'rest'],
);

export const sessionParams = record({ id: text(100) }, ['id']);

const secret = {
  oneOf: ['text', 'hex', 'base64'].map((form) =>
    record(
      {
        guid,
        [form]: form === 'hex' ? hexOfAtMost(SECRET_MAX) : text(2 * SECRET_MAX),
      },
      [form, 'guid'],
    ),
  ),
};

export const sessionBody = record({
  part: { enum: Object.keys(PARTS) },
  profile: { enum: Object.keys(PROFILES), description: 'of the AMD-SP’s firmware' },
  policy: {
    oneOf: [
      { type: 'integer', minimum: 0, maximum: 0xffff_ffff },
      {
        type: 'string',
        pattern: '^0x[0-9a-fA-F]{1,8}$',
        description: '32 bits in hexadecimal, such as "0x3"',
      },
    ],
  },
  firmware: {
    oneOf: [
      record({ layout: { enum: Object.keys(LAYOUTS) } }, ['layout']),
      record(
        {
          sha256: {
            type: 'string',
            pattern: '^[0-9a-f]{64}$',
            description: 'the sha256 that POST /api/firmware answered',
          },
          as: {
            enum: Object.keys(LAYOUTS),
            description: 'what an image that sevlab did not build is taken for',
          },
        },
        ['sha256'],
      ),
    ],
  },
  secrets: { type: 'array', maxItems: 64, items: secret },
  linux: { enum: [...KERNEL_PROFILES] },
  seed: text(200),
});

export const advanceBody = record({ to: { enum: REACHABLE_STATES } }, ['to']);

export const terminalBody = record({
  input: text(4096, 'keys as a terminal sends them'),
  columns: { type: 'integer', minimum: 1, maximum: 1000 },
});

export const eventsQuery = record({
  after: { type: 'integer', minimum: 0, description: 'id of the last event that was seen, as Last-Event-ID' },
});

export const memoryQuery = record({ gpa: address, length, eyes: { enum: EYES } }, ['gpa', 'length', 'eyes']);

/** Host memory, or DRAM behind guest memory. */
const place = <P extends object>(properties: P, required: readonly (keyof P & string)[]) => ({
  oneOf: [
    record({ gpa: address, ...properties }, ['gpa', ...required]),
    record({ spa: address, ...properties }, ['spa', ...required]),
  ],
});

const keptName = text(60, 'a name that the host keeps bytes under');

const commandName = {
  enum: Object.keys(COMMAND_ID),
  description: 'a command of the AMD-SP, such as PLATFORM_STATUS',
};

/** One thing that the host does. */
export const hostBody = {
  type: 'object',
  oneOf: [
    record({ read: place({ length }, ['length']) }, ['read']),
    record({ write: place({ hex: hexOfAtMost(MEMORY_MAX) }, ['hex']) }, ['write']),
    record({ place: record({ hex: hexOfAtMost(MEMORY_MAX) }, ['hex']) }, ['place']),
    record({ save: place({ as: keptName, length }, ['as', 'length']) }, ['save']),
    record({ replay: place({ from: keptName }, ['from']) }, ['replay']),
    record({ remap: record({ gpa: address, spa: address }, ['gpa', 'spa']) }, ['remap']),
    record(
      {
        command: {
          oneOf: [
            record({ name: commandName, buffer: hexOfAtMost(4096) }, ['name']),
            record({ id: { type: 'integer', minimum: 0, maximum: 255 }, buffer: hexOfAtMost(4096) }, ['id']),
          ],
        },
      },
      ['command'],
    ),
    record({ attack: { type: 'object', description: 'an attack in the words of scenario files' } }, [
      'attack',
    ]),
  ],
};
