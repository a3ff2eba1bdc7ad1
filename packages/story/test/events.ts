import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor, TraceBody, TraceEvent } from '@sevlab/codec/trace';
import fc from 'fast-check';
import type { AnyEvent, TraceBytes } from '../src/event.ts';
import { readTrace, type Trace } from '../src/read-trace.ts';

export const recordedText: string = readFileSync(
  join(import.meta.dirname, 'vectors/launch.trace.jsonl'),
  'utf8',
);
export const recorded: Trace = readTrace(recordedText);

type Bytes = Readonly<Record<string, TraceBytes>>;
/** An event without what `trace` adds. */
export type Given = TraceBody & { actor: Actor; to?: Actor; open?: Bytes; closed?: Bytes; pause?: number };

/** A trace of these events. `pause`: nanoseconds that pass in front of an event because somebody types. */
export function trace(...given: readonly Given[]): TraceEvent<TraceBytes>[] {
  let t = 0;
  return given.map(({ pause = 0, ...event }, seq) => {
    t += 1000 + pause;
    return { seq, t, machine: 'm0', to: 'memory', ...event };
  });
}

export const access = (
  actor: Actor,
  operation: 'read' | 'write',
  spa: string,
  length: number,
  more: Partial<Extract<AnyEvent, { type: 'access' }>> = {},
) =>
  ({
    ...{ type: 'access', actor, to: 'memory', operation, view: 'raw', length, segments: [{ spa, length }] },
    ...more,
  }) as Given; // `more` may replace any field by one of the same type

const ACTORS = ['guest-owner', 'host', 'amd-sp', 'memory', 'disk', 'firmware', 'kernel', 'user'] as const;
const address = fc.nat({ max: 0x3000 }).map((value) => `0x${value.toString(16)}`);
const name = fc.constantFrom('INIT', 'LAUNCH_START', 'LAUNCH_SECRET', 'GUEST_STATUS', 'SEND_START', '0x7f');
const status = fc.constantFrom('SUCCESS', 'INVALID_LENGTH', 'BAD_MEASUREMENT', 'NEVER_HEARD_OF');
const path = fc.constantFrom('/sys/kernel/security', '/sys/kernel/security/secrets/coco/x');

const bodies: fc.Arbitrary<TraceBody> = fc.oneof(
  fc.record({
    type: fc.constant('message' as const),
    name: fc.constantFrom('certificates', 'session', 'measurement', 'packet'),
  }),
  fc.record({
    type: fc.constant('verdict' as const),
    name: fc.constantFrom('certificates', 'measurement'),
    accepted: fc.boolean(),
    reason: fc.constant('so it is'),
  }),
  fc.record({ type: fc.constant('command' as const), name, id: fc.nat(0xff), bufferPaddr: address }),
  fc.record({
    ...{ type: fc.constant('precondition' as const), name, condition: fc.constant('it holds') },
    ...{ held: fc.boolean(), status },
  }),
  fc.record({ type: fc.constant('status' as const), name, status, code: fc.nat(0x20) }),
  fc.record({ type: fc.constant('key' as const), asid: fc.nat(9), installed: fc.boolean() }),
  fc.record(
    {
      type: fc.constant('access' as const),
      operation: fc.constantFrom('read', 'write'),
      view: fc.constantFrom('raw', 'private', 'shared'),
      gpa: address,
      asid: fc.nat(9),
      length: fc.nat(64),
      segments: fc.array(fc.record({ spa: address, length: fc.nat(64) }), { maxLength: 2 }),
    },
    { requiredKeys: ['type', 'operation', 'view', 'length', 'segments'] },
  ),
  fc.record({ type: fc.constant('remap' as const), gpa: address, spa: address }),
  fc.record({
    ...{ type: fc.constant('kvm' as const), call: fc.constantFrom('KVM_SEV_INIT', 'KVM_SEV_LAUNCH_SECRET') },
    ...{ ret: fc.constantFrom(0, -5, -22), fwError: fc.nat(0x20) },
  }),
  fc.record({
    ...{ type: fc.constant('qmp' as const), from: fc.constantFrom('client', 'vmm') },
    text: fc.constant('{"execute": "cont"}'),
  }),
  fc.record({ type: fc.constant('vmrun' as const), asid: fc.nat(9) }),
  fc.record(
    {
      ...{ type: fc.constant('handover' as const), bootParams: address },
      ...{ systemTable: address, memoryMap: address },
      secretArea: fc.record({
        ...{ base: address, size: fc.nat(9), reserved: fc.boolean(), location: address },
      }),
    },
    { requiredKeys: ['type', 'bootParams', 'systemTable', 'memoryMap'] },
  ),
  fc.record({
    ...{ type: fc.constant('fw-cfg' as const), name: fc.constant('etc/boot/kernel'), length: fc.nat(9) },
    sha256: fc.constant('00'.repeat(32)),
  }),
  fc.record({
    ...{ type: fc.constant('boot-blob' as const), name: fc.constantFrom('kernel', 'initrd', 'cmdline') },
    ...{ outcome: fc.constantFrom('verified', 'unverified', 'refused'), reason: fc.constant('so it is') },
  }),
  fc.record({
    ...{ type: fc.constant('page-state' as const), gpa: address, pages: fc.nat(9), shared: fc.boolean() },
  }),
  fc.record({ type: fc.constant('stop' as const), reason: fc.constant('it halted') }),
  fc.record({
    type: fc.constant('printk' as const),
    level: fc.nat(7),
    line: fc.constant('efi: CocoSecret=0x1 '),
  }),
  fc.record(
    {
      ...{ type: fc.constant('uevent' as const), action: fc.constantFrom('add', 'bind', 'unbind') },
      ...{
        devpath: fc.constant('/devices/platform/efi_secret.0'),
        modalias: fc.constant('platform:efi_secret'),
      },
    },
    { requiredKeys: ['type', 'action', 'devpath'] },
  ),
  fc.record({
    ...{ type: fc.constant('syscall' as const), name: fc.constantFrom('open', 'read', 'unlink'), path },
    result: fc.oneof(fc.nat(9), fc.constant('-ENOENT')),
  }),
  fc.record({ type: fc.constant('shell' as const), command: fc.constant('ls'), status: fc.nat(2) }),
);

const bytes: fc.Arbitrary<TraceBytes> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.record({ length: fc.nat(64) }),
);
const fields = fc.dictionary(
  fc.constantFrom('buffer', 'cells', 'plain', 'plaintext', 'measurement', 'godh'),
  bytes,
);

const anyEvent = fc
  .tuple(
    bodies,
    fc.record(
      {
        actor: fc.constantFrom(...ACTORS),
        to: fc.constantFrom(...ACTORS),
        open: fields,
        closed: fields,
        pause: fc.constantFrom(0, 0, 9e9),
      },
      { requiredKeys: ['actor'] },
    ),
  )
  .map(([body, more]): Given => ({ ...body, ...more }));

/** Any events in any order: what no machine would do, a trace may still hold. */
export const anyTrace: fc.Arbitrary<TraceEvent<TraceBytes>[]> = fc
  .array(anyEvent, { maxLength: 30 })
  .map((events) => trace(...events));
