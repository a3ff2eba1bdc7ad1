import { spa } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { COMMAND_ID, GuestStatusBuffer, LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { expect, test } from 'vitest';
import { recordingHost } from '../test/recording-host.ts';
import { createHostBuffers, issue, issueBare, place, reserve } from './command-buffer.ts';

const SECRET = {
  handle: 0x0102_0304,
  hdrPaddr: spa(0x1112_1314_1516n),
  hdrLen: 0x34,
  guestPaddr: spa(0x2122_2324_2520n),
  guestLen: 0x40,
  transPaddr: spa(0x3132_3334_3536n),
  transLen: 0x50,
};

test('a command buffer lies in host memory as 55766 lays it out, tail padding included', () => {
  const { machine, host } = recordingHost();
  let seen = '';
  machine.mailbox.connect((_, paddr) => {
    seen = toHex(host.memory.read(paddr, 0x38));
    return { status: 0 };
  });
  issue(host, createHostBuffers(), 'LAUNCH_SECRET', LaunchSecretBuffer, SECRET);
  expect(seen).toBe(
    '04030201 00000000 1615141312110000 34000000 00000000 2025242322210000 40000000 00000000'.replaceAll(
      ' ',
      '',
    ) + '3635343332310000 50000000 00000000'.replaceAll(' ', ''),
  );
});

test('a command and all 64 bits of its address go through the registers', () => {
  const { machine, host } = recordingHost();
  const rung: unknown[] = [];
  machine.mailbox.connect((id, paddr) => {
    rung.push([id, paddr]);
    return { status: 0 };
  });
  const buffers = { next: spa(0x1_2345_6780n) };
  issue(host, buffers, 'LAUNCH_SECRET', LaunchSecretBuffer, SECRET);
  issueBare(host, 'DF_FLUSH');
  expect(rung).toEqual([
    [COMMAND_ID.LAUNCH_SECRET, 0x1_2345_6780n],
    [COMMAND_ID.DF_FLUSH, 0n],
  ]);
});

test('the buffer comes back as the AMD-SP left it, and with the status', () => {
  const { host } = recordingHost(() => ({ status: 'INVALID_GUEST', fields: { asid: 9, state: 3 } }));
  const sent = { handle: 1, policy: 2, asid: 0, state: 0 };
  expect(issue(host, createHostBuffers(), 'GUEST_STATUS', GuestStatusBuffer, sent)).toEqual({
    status: 'INVALID_GUEST',
    value: { handle: 1, policy: 2, asid: 9, state: 3 },
  });
});

test('an answer that is no status is not taken for one', () => {
  const { machine, host } = recordingHost();
  machine.mailbox.connect(() => ({ status: 0x1e }));
  expect(() => issueBare(host, 'NOP')).toThrow('the AMD-SP answered 0x1e, which is no status');
});

test('what is placed stays: no two buffers overlap, whatever their lengths, and each starts at a multiple of 16', () => {
  const { host } = recordingHost();
  const buffers = createHostBuffers();
  const placed = [1, 15, 16, 17, 0, 4096, 3].map((length, i) => {
    const bytes = new Uint8Array(length).fill(i + 1);
    return { bytes, address: place(host, buffers, bytes) };
  });
  expect(new Set(placed.map(({ address }) => address)).size).toBe(placed.length);
  for (const { bytes, address } of placed) {
    expect(address % 16n).toBe(0n);
    expect(host.memory.read(address, bytes.length)).toEqual(bytes);
  }
  expect(reserve(buffers, 1)).toBeGreaterThan(placed.at(-1)!.address);
});
