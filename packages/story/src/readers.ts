import type { Actor } from '@sevlab/codec/trace';
import type { AnyEvent, EventOf } from './event.ts';

/** Who can read the bytes of an event. The host and its disk are never among the readers of closed bytes. */
export interface Readers {
  /** Readers of the open bytes; none when there are no open bytes. */
  readonly open: readonly Actor[];
  /** Readers of the closed bytes; none when there are no closed bytes. */
  readonly closed: readonly Actor[];
  readonly openReason: string;
  readonly closedReason: string;
}

type Rule = readonly [readers: readonly Actor[], reason: string];

const GUEST: readonly Actor[] = ['firmware', 'kernel', 'user'];
const NOBODY: Rule = [[], 'There are no such bytes.'];

/** Who can read what of an event, and why. */
export function readersOf(event: AnyEvent): Readers {
  const [open, openReason] = event.open === undefined ? NOBODY : openRule(event);
  const [closed, closedReason] = event.closed === undefined ? NOBODY : closedRule(event);
  return { open, closed, openReason, closedReason };
}

/** Whether an actor can read the open or the closed bytes of an event. */
export const canRead = (actor: Actor, event: AnyEvent, bytes: 'open' | 'closed'): boolean =>
  readersOf(event)[bytes].includes(actor);

function openRule(event: AnyEvent): Rule {
  switch (event.type) {
    case 'message':
      return [
        ['guest-owner', 'host', 'amd-sp'],
        'The message goes through the host, which passes it on; what must stay secret in it is encrypted.',
      ];
    case 'command':
    case 'status':
      return [
        ['host', 'amd-sp'],
        'The command buffer lies in host memory, where the AMD-SP reads and writes it.',
      ];
    case 'access':
      return openAccessRule(event);
    default:
      return [[event.actor, 'host'], 'The host can see these bytes.'];
  }
}

function openAccessRule({ actor, view }: EventOf<'access'>): Rule {
  if (view === 'private') {
    return [
      ['host', 'amd-sp'],
      'The cells hold ciphertext; whoever reads DRAM sees it, and without the key it stays ciphertext.',
    ];
  }
  if (view === 'shared' || actor === 'disk') {
    return [
      ['host', 'disk', 'amd-sp', ...GUEST],
      'Shared memory is written without a key: guest, host and devices read the same bytes.',
    ];
  }
  return [
    ['host', 'amd-sp'],
    'Raw cells: host and AMD-SP read them as they are. A guest reads its private pages through its key only.',
  ];
}

function closedRule(event: AnyEvent): Rule {
  switch (event.type) {
    case 'message':
      return event.name === 'packet'
        ? [
            ['guest-owner', 'amd-sp', ...GUEST],
            'The guest owner and the AMD-SP have the TEK; the guest reads the plaintext once LAUNCH_SECRET wrote it into its memory.',
          ]
        : [
            ['guest-owner', 'amd-sp'],
            'The guest owner made the transport keys, and only the AMD-SP whose PDH was used can unwrap them.',
          ];
    case 'key':
      return [
        ['amd-sp'],
        'The AMD-SP derived the memory key and put it into the memory controller, which lets no software read it.',
      ];
    case 'access':
      return [
        ['amd-sp', ...GUEST],
        'The memory key decrypts them: software of this guest uses it through its ASID, and the AMD-SP has it. The host reads ciphertext at these addresses.',
      ];
    case 'syscall':
    case 'shell':
      return [
        ['kernel', 'user'],
        'The bytes are in private memory of the guest; kernel and process read them in the clear.',
      ];
    default:
      return [[], 'Only their owner reads them.'];
  }
}
