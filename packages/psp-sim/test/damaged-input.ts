import { createObserver } from '@sevlab/ambient/observer';
import type { Spa } from '@sevlab/codec/address';
import type { Struct } from '@sevlab/codec/layout';
import { SevCertificate } from '@sevlab/codec/sev/certificate';
import {
  type CommandName,
  LaunchSecretBuffer,
  LaunchStartBuffer,
  PekCertImportBuffer,
  ReceiveStartBuffer,
  ReceiveUpdateBuffer,
  SendStartBuffer,
} from '@sevlab/codec/sev/command';
import type { SevStatus } from '@sevlab/codec/sev/status';
import fc from 'fast-check';
import { certificatesOf, receiveStartBuffer, runningGuest, sendStartBuffer } from './migration.ts';
import {
  commandOf,
  createPlatform,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
  secretBuffer,
  startBuffer,
} from './platform.ts';
import { ownedBy } from './random-commands.ts';

/** A command with nothing wrong, and which of its buffers strangers fill: the address and the length of each. */
export interface GoodCommand {
  readonly platform: Platform;
  readonly name: CommandName;
  readonly buffer: Uint8Array;
  readonly inputs: readonly { readonly paddr: Spa; readonly length: number; readonly lengthAt: number }[];
}

function makeCase<T extends object>(
  platform: Platform,
  name: CommandName,
  layout: Struct<T>,
  cmd: T,
  fields: readonly string[],
): GoodCommand {
  const record = cmd as Record<string, unknown>; // fields by name
  const inputs = fields.map((field) => ({
    paddr: record[`${field}Paddr`] as Spa,
    length: record[`${field}Len`] as number,
    lengthAt: layout.rows.find((row) => row.name === `${field}Len`)!.offset,
  }));
  const buffer = new Uint8Array(layout.paddedSize);
  layout.encodeInto(buffer, cmd);
  return { platform, name, buffer, inputs };
}

/** One of each command that takes certificates, sessions or packets. */
export function goodCommands(): GoodCommand[] {
  const fresh = () => {
    const platform = createPlatform();
    initialise(platform);
    return platform;
  };
  const start = fresh();
  const importing = fresh();
  const { pek, oca } = ownedBy(importing.sp);
  const sending = fresh();
  const { handle } = runningGuest(sending, 0x21);
  const secret = fresh();
  const waiting = launchGuest(secret);
  const { measure } = measureGuest(secret, waiting);
  const packet = secretBuffer(secret, waiting, measure, new Uint8Array(64)).cmd;
  const receiving = fresh();
  Object.assign(receiving.sp.guest(launchGuest(receiving)), { state: 'RUPDATE' });
  const arriving = secretBuffer(receiving, 1, undefined, new Uint8Array(64)).cmd;
  const size = SevCertificate.size;
  const keys = { pekPaddr: importing.place(pek), pekLen: size, ocaPaddr: importing.place(oca), ocaLen: size };
  return [
    makeCase(start, 'LAUNCH_START', LaunchStartBuffer, startBuffer(start, 1), ['dhCert', 'session']),
    makeCase(start, 'RECEIVE_START', ReceiveStartBuffer, receiveStartBuffer(start, 1), [
      'pdhCert',
      'session',
    ]),
    makeCase(importing, 'PEK_CERT_IMPORT', PekCertImportBuffer, keys, ['pek', 'oca']),
    makeCase(
      sending,
      'SEND_START',
      SendStartBuffer,
      sendStartBuffer(sending, handle, certificatesOf(sending)),
      ['pdhCert', 'platCerts', 'amdCerts'],
    ),
    makeCase(secret, 'LAUNCH_SECRET', LaunchSecretBuffer, packet, ['hdr', 'trans']),
    makeCase(receiving, 'RECEIVE_UPDATE_DATA', ReceiveUpdateBuffer, arriving, ['hdr', 'trans']),
  ];
}

/** How one input is damaged: its bytes, and the length that the command buffer tells. */
export interface Damage {
  readonly which: number;
  readonly bytes:
    | 'as it was'
    | { readonly random: Uint8Array }
    | { readonly changes: readonly (readonly [at: number, value: number])[] }
    | { readonly cut: number };
  readonly length: number | undefined;
}

export const damage: fc.Arbitrary<Damage> = fc.record({
  which: fc.nat(2),
  bytes: fc.oneof(
    fc.constant('as it was' as const),
    fc.uint8Array({ minLength: 1, maxLength: 0x900 }).map((random) => ({ random })),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }).map((changes) => ({ changes })),
    fc.nat().map((cut) => ({ cut })),
  ),
  length: fc.oneof(fc.constant(undefined), fc.nat(0x2000), fc.nat(0xffff_ffff)),
});

/** Statuses by which an input is refused. */
const REFUSALS = [
  'INVALID_LENGTH',
  'INVALID_CERTIFICATE',
  'BAD_SIGNATURE',
  'BAD_MEASUREMENT',
  'POLICY_FAILURE',
  'UNSUPPORTED',
];

/** Runs the command with damaged inputs on a fork of its platform. `fits`: whether the answer is one that may come. */
export function runDamaged(
  { platform, name, buffer, inputs }: GoodCommand,
  damages: readonly Damage[],
): { readonly status: SevStatus; readonly fits: boolean } {
  const machine = platform.machine.fork(createObserver());
  const sp = platform.sp.fork(machine.secureProcessor);
  const { memory } = machine.host;
  const cmd = buffer.slice();
  const view = new DataView(cmd.buffer);
  for (const { which, bytes, length } of damages) {
    const { paddr, length: right, lengthAt } = inputs[which % inputs.length]!;
    const cells = memory.read(paddr, right);
    if (bytes !== 'as it was') {
      if ('random' in bytes) cells.set(bytes.random.subarray(0, right));
      else if ('cut' in bytes) cells.fill(0, bytes.cut % right);
      else for (const [at, value] of bytes.changes) cells[at % right] = value;
    }
    memory.write(paddr, cells);
    if (length !== undefined) view.setUint32(lengthAt, length, true);
  }
  const lengthIsWrong = inputs.some(({ length, lengthAt }) => view.getUint32(lengthAt, true) !== length);
  const status = commandOf(name).run(sp, cmd, () => {});
  return { status, fits: (lengthIsWrong ? REFUSALS : ['SUCCESS', ...REFUSALS]).includes(status) };
}
