import { createObserver } from '@sevlab/ambient/observer';
import { type Spa, spa } from '@sevlab/codec/address';
import { toHex } from '@sevlab/codec/bytes';
import { COMMAND_ID, type CommandName, InitBuffer, PekCsrBuffer } from '@sevlab/codec/sev/command';
import { statusFromCode } from '@sevlab/codec/sev/status';
import { describe, expect, it } from 'vitest';
import { createPlatform, initialise, type Platform, UNUSABLE } from '../test/platform.ts';
import { serve } from './mailbox.ts';
import type { ProfileName } from './profile.ts';

/** A platform whose commands come through the registers. */
function behindMailbox(profile: ProfileName = 'genoa-1.55') {
  const platform = createPlatform(profile);
  const { machine, sp } = platform;
  machine.mailbox.connect(serve(sp, createObserver()));
  const { mailbox } = machine.host;
  const ring = (id: number, buffer: Spa = spa(0n)) => {
    mailbox.write('CmdBufAddr_Lo', Number(buffer & 0xffff_ffffn));
    mailbox.write('CmdBufAddr_Hi', Number(buffer >> 32n));
    mailbox.write('CmdResp', id << 16);
    return statusFromCode(mailbox.read('CmdResp') & 0xffff);
  };
  const issue = (name: CommandName, buffer?: Spa) => ring(COMMAND_ID[name], buffer);
  const address = () => [mailbox.read('CmdBufAddr_Hi'), mailbox.read('CmdBufAddr_Lo')];
  return { platform, ring, issue, address };
}

const cellsOf = ({ machine }: Platform, at: Spa, length: number) => machine.host.memory.read(at, length);

describe('numbers that are no command', () => {
  it('answers INVALID_COMMAND before it looks at the buffer', () => {
    const { ring } = behindMailbox();
    const known: readonly number[] = Object.values(COMMAND_ID);
    const wrong = [];
    for (let id = 0; id <= 0xff; id++) {
      if (!known.includes(id) && ring(id, UNUSABLE) !== 'INVALID_COMMAND') wrong.push(id);
    }
    expect(wrong).toEqual([]);
  });
});

describe('the command buffer', () => {
  const END = 0x8000_0000n; // of DRAM below the 32-bit hole

  it.each([
    ['genoa-1.55', 'INVALID_CONFIG'],
    ['spec', 'SUCCESS'],
  ] as const)(
    'right before the end of DRAM, without room for tail padding: %s answers %s',
    (profile, status) => {
      const { platform, issue } = behindMailbox(profile);
      const buffer = spa(END - BigInt(InitBuffer.size));
      platform.machine.host.memory.write(buffer, new Uint8Array(InitBuffer.size));
      expect(issue('INIT', buffer)).toBe(status);
      expect(issue('INIT', spa(END - BigInt(InitBuffer.paddedSize)))).toBe(
        profile === 'spec' ? 'INVALID_PLATFORM_STATE' : 'SUCCESS',
      );
    },
  );

  it('comes back with its tail padding, and with nothing else', () => {
    const { platform, issue } = behindMailbox();
    initialise(platform);
    const buffer = platform.place(new Uint8Array(0x20).fill(0xee));
    platform.machine.host.memory.write(buffer, PekCsrBuffer.encode({ csrPaddr: UNUSABLE, csrLen: 0x823 }));
    expect(issue('PEK_CSR', buffer)).toBe('INVALID_LENGTH');
    expect(toHex(cellsOf(platform, buffer, 0x18))).toBe(`000000000040000024080000${'ee'.repeat(12)}`);
  });

  it('stays as it was when the status is none of those that write it', () => {
    const { platform, issue } = behindMailbox();
    initialise(platform);
    const before = PekCsrBuffer.encode({ csrPaddr: UNUSABLE, csrLen: 0x1000 });
    const buffer = platform.place(before, 0x10);
    expect(issue('PEK_CSR', buffer)).toBe('INVALID_ADDRESS');
    expect(cellsOf(platform, buffer, before.length)).toEqual(before);
  });

  it.each(['SHUTDOWN', 'PLATFORM_RESET', 'PEK_GEN', 'PDH_GEN', 'DF_FLUSH', 'NOP'] as const)(
    'is no business of %s',
    (name) => {
      const { issue } = behindMailbox();
      expect(issue(name, UNUSABLE)).not.toBe('INVALID_ADDRESS');
    },
  );

  it('is refused inside the trusted memory region, from INIT on', () => {
    const { platform, issue } = behindMailbox();
    const tmrPaddr = spa(0x2000_0000n);
    const init = { flags: 1, reserved02: 0, reserved04: 0, tmrPaddr, tmrLen: 0x10_0000 };
    expect(platform.run('INIT', InitBuffer, init).status).toBe('SUCCESS');
    expect(issue('PLATFORM_STATUS', spa(tmrPaddr + 0x8_0000n))).toBe('INVALID_ADDRESS');
    expect(issue('PLATFORM_STATUS', spa(tmrPaddr + 0x10_0000n))).toBe('SUCCESS');
  });
});

describe('the address registers after a command', () => {
  it('hold an error stack that is 0 on success, by firmware 1.55', () => {
    const { platform, issue, address } = behindMailbox();
    const buffer = platform.place(new Uint8Array(0x20));
    expect(issue('PLATFORM_STATUS', buffer)).toBe('SUCCESS');
    expect(address()).toEqual([0, 0]);
    expect(issue('GET_ID', buffer)).toBe('INVALID_LENGTH');
    expect(address()).not.toEqual([0, 0]);
    expect(address()).not.toEqual([0, Number(buffer)]);
  });

  it('are untouched by the specification', () => {
    const { platform, issue, address } = behindMailbox('spec');
    const buffer = platform.place(new Uint8Array(0x20));
    issue('PLATFORM_STATUS', buffer);
    issue('GET_ID', buffer);
    expect(address()).toEqual([0, Number(buffer)]);
  });
});
