import { spa } from '@sevlab/codec/address';
import { expect, test, vi } from 'vitest';
import { Mailbox, RESPONSE_READY } from './mailbox.ts';

function connected(status: number): { mailbox: Mailbox; service: ReturnType<typeof vi.fn> } {
  const mailbox = new Mailbox();
  const service = vi.fn(() => ({ status }));
  mailbox.connect(service);
  return { mailbox, service };
}

test('a command is bits 23:16 of CmdResp; its buffer is in the other two registers', () => {
  const { mailbox, service } = connected(0);
  mailbox.write('CmdBufAddr_Lo', 0xfffff000);
  mailbox.write('CmdBufAddr_Hi', 0x3ffb);
  expect(service).not.toHaveBeenCalled();
  mailbox.write('CmdResp', 0x0034_0000);
  expect(service.mock.calls).toEqual([[0x34, spa(0x3ffb_ffff_f000n)]]);
});

test.each([
  [0x0034_0000, 0x0000, 0x8034_0000],
  [0x0034_0001, 0x000b, 0x8034_000b],
  [0x00ff_0000, 0xffff, 0x80ff_ffff],
  [0x7f01_ffff, 0x0001, 0x8001_0001],
])('CmdResp %i answered with %i reads %i: ready, the command, the status', (written, status, read) => {
  const { mailbox } = connected(status);
  mailbox.write('CmdResp', written);
  expect(mailbox.read('CmdResp')).toBe(read);
});

test('with the ready bit set nothing rings: the host only writes the register', () => {
  const { mailbox, service } = connected(0);
  mailbox.write('CmdResp', RESPONSE_READY | 0x0034_0000);
  expect(service).not.toHaveBeenCalled();
  expect(mailbox.read('CmdResp')).toBe(0x8034_0000);
});

test('registers have 32 bits and start at zero', () => {
  const mailbox = new Mailbox();
  expect(mailbox.read('CmdBufAddr_Lo')).toBe(0);
  mailbox.write('CmdBufAddr_Lo', -1);
  mailbox.write('CmdBufAddr_Hi', 2 ** 32 + 5);
  expect(mailbox.read('CmdBufAddr_Lo')).toBe(0xffff_ffff);
  expect(mailbox.read('CmdBufAddr_Hi')).toBe(5);
});

test('the AMD-SP sees the registers as the host left them', () => {
  const mailbox = new Mailbox();
  const seen: number[] = [];
  mailbox.connect(() => {
    seen.push(mailbox.read('CmdResp'));
    return { status: 0 };
  });
  mailbox.write('CmdResp', 0x0004_0000);
  expect(seen).toEqual([0x0004_0000]);
});

test('the address registers stay, unless the AMD-SP leaves an error stack in them', () => {
  const { mailbox } = connected(0);
  const address = () => [mailbox.read('CmdBufAddr_Hi'), mailbox.read('CmdBufAddr_Lo')];
  mailbox.write('CmdBufAddr_Hi', 0x3ffb);
  mailbox.write('CmdBufAddr_Lo', 0xfffff000);
  mailbox.write('CmdResp', 0x0034_0000);
  expect(address()).toEqual([0x3ffb, 0xfffff000]);
  mailbox.connect(() => ({ status: 4, errorStack: 0xfedc_ba98_8765_4321n }));
  mailbox.write('CmdResp', 0x0034_0000);
  expect(address()).toEqual([0xfedc_ba98, 0x8765_4321]);
  expect(mailbox.read('CmdResp')).toBe(0x8034_0004);
});

test('ringing with nobody behind the registers is our own fault', () => {
  expect(() => new Mailbox().write('CmdResp', 0x0001_0000)).toThrow('no AMD-SP is connected to the mailbox');
});

test('a fork keeps the registers, has nobody behind it, and writes its own', () => {
  const { mailbox, service } = connected(0);
  mailbox.write('CmdBufAddr_Lo', 0x1000);
  const fork = mailbox.fork();
  expect(fork.read('CmdBufAddr_Lo')).toBe(0x1000);
  fork.write('CmdBufAddr_Lo', 0x2000);
  expect(mailbox.read('CmdBufAddr_Lo')).toBe(0x1000);
  expect(() => fork.write('CmdResp', 0x0001_0000)).toThrow('no AMD-SP is connected');
  expect(service).not.toHaveBeenCalled();
});
