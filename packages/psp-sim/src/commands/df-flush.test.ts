import { spa } from '@sevlab/codec/address';
import { ActivateBuffer, HandleBuffer, InitBuffer, LaunchStartBuffer } from '@sevlab/codec/sev/command';
import { describe, expect, it } from 'vitest';
import { expectCascade } from '../../test/cascade.ts';
import {
  ASID,
  createPlatform,
  expectSuccess,
  initialise,
  launchGuest,
  measureGuest,
  type Platform,
  startBuffer,
} from '../../test/platform.ts';
import { NO_BUFFER } from '../command.ts';
import type { ProfileName } from '../profile.ts';

/** After INIT, with a guest that wants an ASID, and nothing flushed. */
function waitingGuest(profile: ProfileName = 'genoa-1.55') {
  const platform = createPlatform(profile);
  const init = { flags: 0, reserved02: 0, reserved04: 0, tmrPaddr: spa(0n), tmrLen: 0 };
  expectSuccess(platform.run('INIT', InitBuffer, init).status);
  const { status, value } = platform.run('LAUNCH_START', LaunchStartBuffer, startBuffer(platform, 1));
  expectSuccess(status);
  return {
    platform,
    flush: (...cores: readonly number[]) => {
      for (const core of cores) platform.machine.host.wbinvd(core);
      return platform.bare('DF_FLUSH');
    },
    activate: () => platform.run('ACTIVATE', ActivateBuffer, { handle: value.handle, asid: ASID }).status,
  };
}

const turnOff = ({ bare }: Platform) => expectSuccess(bare('SHUTDOWN'));

describe('DF_FLUSH', () => {
  it('has its checks in order, by the specification', () => {
    const platform = createPlatform('spec');
    expectCascade(platform, 'DF_FLUSH', NO_BUFFER, {}, [
      [
        'platform is INIT or WORKING, where that matters',
        () => Object.assign(platform.sp.state, { platform: 'WORKING' }),
      ],
      ['every core executed WBINVD', () => platform.machine.host.wbinvd()],
    ]);
  });

  it.each([
    ['genoa-1.55', 'SUCCESS'],
    ['spec', 'INVALID_PLATFORM_STATE'],
  ] as const)('in UNINIT, by %s: %s', (profile, status) => {
    const platform = createPlatform(profile);
    platform.machine.host.wbinvd();
    expect(platform.bare('DF_FLUSH')).toBe(status);
  });

  it('lacks one core whichever it is, and one is enough to lack', () => {
    for (const missing of [0, 1, 2, 3]) {
      const { flush } = waitingGuest();
      expect(flush(...[0, 1, 2, 3].filter((core) => core !== missing))).toBe('WBINVD_REQUIRED');
      expect(flush(missing)).toBe('SUCCESS');
    }
  });

  it('is needed after INIT before an ASID is usable, and WBINVD alone does not do', () => {
    const { platform, flush, activate } = waitingGuest();
    expect(activate()).toBe('DF_FLUSH_REQUIRED');
    expect(flush()).toBe('WBINVD_REQUIRED');
    platform.machine.host.wbinvd();
    expect(activate()).toBe('DF_FLUSH_REQUIRED');
    expect(flush()).toBe('SUCCESS');
    expect(activate()).toBe('SUCCESS');
  });

  it.each([
    ['genoa-1.55', [0, 2], 'SUCCESS'],
    ['genoa-1.55', [1, 3], 'SUCCESS'],
    ['genoa-1.55', [0, 1], 'DF_FLUSH_REQUIRED'],
    ['genoa-1.55', [2], 'DF_FLUSH_REQUIRED'],
    ['spec', [0, 2], 'DF_FLUSH_REQUIRED'],
    ['spec', [0, 1, 2], 'DF_FLUSH_REQUIRED'],
  ] as const)(
    'by %s, WBINVD on cores %j only: WBINVD_REQUIRED, and then ACTIVATE answers %s',
    (profile, cores, then) => {
      const { flush, activate } = waitingGuest(profile);
      expect(flush(...cores)).toBe('WBINVD_REQUIRED');
      expect(activate()).toBe(then);
    },
  );

  it('counts a complex that an earlier, refused DF_FLUSH found done', () => {
    const { platform, flush, activate } = waitingGuest();
    expect(flush(0, 1)).toBe('WBINVD_REQUIRED');
    platform.machine.secureProcessor.clearWbinvd();
    expect(flush(2)).toBe('WBINVD_REQUIRED');
    expect(activate()).toBe('SUCCESS');
  });

  it('leaves a fork its own count of complexes', () => {
    const { platform, flush } = waitingGuest();
    flush(0);
    const fork = platform.sp.fork(platform.machine.fork(platform.observer).secureProcessor);
    flush(2);
    expect([platform.sp.state.asids[ASID], fork.state.asids[ASID]]).toEqual(['clean', 'dirty']);
  });

  it('does not forget WBINVD: a second one needs none', () => {
    const { flush } = waitingGuest();
    expect([flush(0, 1, 2, 3), flush()]).toEqual(['SUCCESS', 'SUCCESS']);
  });

  it('is needed, with WBINVD on every core, once a guest has run on an ASID', () => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    measureGuest(platform, handle);
    const activate = () => platform.run('ACTIVATE', ActivateBuffer, { handle, asid: ASID }).status;
    expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
    expectSuccess(platform.run('DEACTIVATE', HandleBuffer, { handle }).status);
    expect(activate()).toBe('DF_FLUSH_REQUIRED');
    expect(platform.bare('DF_FLUSH')).toBe('WBINVD_REQUIRED');
    platform.machine.host.wbinvd(1);
    expect(platform.bare('DF_FLUSH')).toBe('WBINVD_REQUIRED');
    expect(activate()).toBe('DF_FLUSH_REQUIRED'); // the other complex
    platform.machine.host.wbinvd();
    expect(platform.bare('DF_FLUSH')).toBe('SUCCESS');
    expect(activate()).toBe('SUCCESS');
  });

  it('makes the trusted memory region usable, once every core is flushed', () => {
    const platform = createPlatform();
    const tmrPaddr = spa(0x2000_0000n);
    const init = { flags: 1, reserved02: 0, reserved04: 0, tmrPaddr, tmrLen: 0x10_0000 };
    expectSuccess(platform.run('INIT', InitBuffer, init).status);
    platform.machine.host.wbinvd(0);
    platform.bare('DF_FLUSH');
    expect(platform.sp.state.tmr).toEqual({ paddr: tmrPaddr, enabled: false });
    platform.machine.host.wbinvd();
    platform.bare('DF_FLUSH');
    expect(platform.sp.state.tmr).toEqual({ paddr: tmrPaddr, enabled: true });
  });
});

describe('SHUTDOWN', () => {
  it.each([
    ['genoa-1.55', 'SUCCESS'],
    ['spec', 'INVALID_PLATFORM_STATE'],
  ] as const)('in UNINIT, by %s: %s', (profile, status) => {
    expect(createPlatform(profile).bare('SHUTDOWN')).toBe(status);
  });

  it('has its check, by the specification', () => {
    const platform = createPlatform('spec');
    expectCascade(platform, 'SHUTDOWN', NO_BUFFER, {}, [
      ['platform is INIT or WORKING, where that matters', () => initialise(platform)],
    ]);
  });

  it('makes VMRUN impossible for every guest', () => {
    const platform = createPlatform();
    initialise(platform);
    const handle = launchGuest(platform);
    measureGuest(platform, handle);
    expectSuccess(platform.run('LAUNCH_FINISH', HandleBuffer, { handle }).status);
    expect(platform.machine.memory.state.runnable.has(ASID)).toBe(true);
    turnOff(platform);
    expect(platform.machine.memory.state.runnable.size).toBe(0);
  });
});
