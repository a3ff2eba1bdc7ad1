import { type Spa, spa } from '@sevlab/codec/address';
import { InitBuffer, InitExBuffer, PlatformStatusBuffer } from '@sevlab/codec/sev/command';
import { describe, expect, it } from 'vitest';
import { expectCascade } from '../../test/cascade.ts';
import { createOwner, importPek, initExBuffer, requestPek, signPek } from '../../test/owner.ts';
import { createPlatform, expectSuccess, initialise, type Platform, UNUSABLE } from '../../test/platform.ts';
import { addressRows } from '../../test/rows.ts';
import { emptyNvArea, NV_AREA_SIZE, NV_RECORD_SIZE, openIdentity } from '../nv-area.ts';

const TMR = spa(0x2000_0000n);
const INIT = { flags: 0, reserved02: 0, reserved04: 0, tmrPaddr: TMR, tmrLen: 0x10_0000 };
const WITH_ES = { ...INIT, flags: 1 };

const init = (platform: Platform, buffer: InitBuffer = INIT) =>
  platform.run('INIT', InitBuffer, buffer).status;
const initEx = (platform: Platform, buffer: InitExBuffer) =>
  platform.run('INIT_EX', InitExBuffer, buffer).status;
const status = ({ run }: Platform) => {
  const empty = { apiMajor: 0, apiMinor: 0, state: 9, owner: 9, config: 9, build: 0, guestCount: 9 };
  return run('PLATFORM_STATUS', PlatformStatusBuffer, empty).value;
};

/** An NV area that was never written, and what the host can do with it. */
function withArea(profile?: Parameters<typeof createPlatform>[0]) {
  const platform = createPlatform(profile);
  const nvPaddr = platform.place(emptyNvArea());
  const { memory } = platform.machine.host;
  return {
    platform,
    nvPaddr,
    start: (change: Partial<InitExBuffer> = {}) => initEx(platform, { ...initExBuffer(nvPaddr), ...change }),
    stop: () => expectSuccess(platform.bare('SHUTDOWN')),
    area: () => memory.read(nvPaddr, NV_AREA_SIZE),
    put: (area: Uint8Array) => memory.write(nvPaddr, area),
  };
}

describe('INIT', () => {
  it('has its checks in order, with those of the TMR last', () => {
    const platform = createPlatform();
    platform.sp.state.platform = 'WORKING';
    const cmd = { flags: 0x8001, reserved02: 1, reserved04: 1, tmrPaddr: spa(0x9000_1000n), tmrLen: 0 };
    expectCascade(platform, 'INIT', InitBuffer, cmd, [
      ['platform is UNINIT', () => Object.assign(platform.sp.state, { platform: 'UNINIT' })],
      ['FLAGS bits 15:1 are zero', () => Object.assign(cmd, { flags: 1 })],
      ['reserved fields are zero', () => Object.assign(cmd, { reserved02: 0, reserved04: 0 })],
      ['TMR_PADDR is 1 MiB aligned', () => Object.assign(cmd, { tmrPaddr: spa(0x9000_0000n) })],
      ['TMR_LEN is 0x100000', () => Object.assign(cmd, { tmrLen: 0x10_0000 })],
      ['TMR lies in DRAM', () => Object.assign(cmd, { tmrPaddr: TMR })],
    ]);
    expect(platform.sp.state).toMatchObject({ es: true, tmr: { paddr: TMR, enabled: false } });
  });

  it.each(['reserved02', 'reserved04'] as const)('looks at %s alone', (field) => {
    expect(init(createPlatform(), { ...INIT, [field]: 1 })).toBe('INVALID_CONFIG');
  });

  it.each([
    ['4 KiB off', { tmrPaddr: spa(TMR + 0x1000n) }, 'INVALID_ADDRESS'],
    ['512 KiB off', { tmrPaddr: spa(TMR + 0x8_0000n) }, 'INVALID_ADDRESS'],
    ['a page short', { tmrLen: 0xf_f000 }, 'INVALID_LENGTH'],
    ['a page long', { tmrLen: 0x10_1000 }, 'INVALID_LENGTH'],
    ['in a hole', { tmrPaddr: spa(0x8000_0000n) }, 'INVALID_CONFIG'],
    ['right below the hole', { tmrPaddr: spa(0x7ff0_0000n) }, 'SUCCESS'],
  ])('with SEV-ES and a TMR that is %s; without, it does not matter', (_, change, answer) => {
    const platform = createPlatform();
    expect(init(platform, { ...WITH_ES, ...change })).toBe(answer);
    expect(platform.sp.state.platform).toBe(answer === 'SUCCESS' ? 'INIT' : 'UNINIT');
    expect(init(createPlatform(), { ...INIT, ...change })).toBe('SUCCESS');
  });

  it('takes a TMR with the C-bit for the place that it names', () => {
    const platform = createPlatform();
    expectSuccess(init(platform, { ...WITH_ES, tmrPaddr: spa(TMR | (1n << 51n)) }));
    expect(platform.sp.state.tmr?.paddr).toBe(TMR);
  });

  it('turns SEV-ES on until SHUTDOWN', () => {
    const platform = createPlatform();
    expect(status(platform)).toMatchObject({ state: 0, owner: 0, config: 0, guestCount: 0 });
    expectSuccess(init(platform, WITH_ES));
    expect(status(platform)).toMatchObject({ state: 1, config: 1 });
    expectSuccess(platform.bare('SHUTDOWN'));
    expect(status(platform)).toMatchObject({ state: 0, config: 0 });
    expect(platform.sp.state).toMatchObject({ es: false, tmr: undefined, identity: undefined });
    expectSuccess(init(platform));
    expect(status(platform)).toMatchObject({ state: 1, config: 0 });
  });

  it('forgets every WBINVD, and makes every ASID dirty on every complex', () => {
    const platform = createPlatform();
    const { host, secureProcessor } = platform.machine;
    expectSuccess(init(platform));
    host.wbinvd(0);
    expect(platform.bare('DF_FLUSH')).toBe('WBINVD_REQUIRED');
    expectSuccess(platform.bare('SHUTDOWN'));
    expectSuccess(init(platform));
    expect(secureProcessor.wbinvdDone()).not.toContain(true);
    host.wbinvd(2);
    platform.bare('DF_FLUSH');
    expect(platform.sp.state.asids[1]).toBe('dirty');
  });

  it.each([
    ['genoa-1.55', 'keeps'],
    ['spec', 'renews'],
  ] as const)('by %s %s the PDH of a stored identity', (profile, what) => {
    const platform = createPlatform(profile);
    expectSuccess(init(platform));
    const { pdh, pek, oca } = platform.sp.identity;
    expectSuccess(platform.bare('SHUTDOWN'));
    expectSuccess(init(platform));
    expect(platform.sp.identity).toMatchObject({ pek, oca });
    expect(platform.sp.identity.pdh === pdh).toBe(what === 'keeps');
  });
});

describe('INIT_EX', () => {
  it('has its checks in order', () => {
    const { platform, nvPaddr, put, area } = withArea();
    expectSuccess(platform.run('INIT_EX', InitExBuffer, initExBuffer(nvPaddr)).status);
    const whole = area();
    put(whole.map((byte, at) => (at === 100 ? byte ^ 1 : byte)));
    const cmd: InitExBuffer = {
      length: 0x23,
      flags: 0x8001,
      reserved06: 1,
      tmrPaddr: spa(UNUSABLE + 0x1000n),
      tmrLen: 0x4000,
      reserved14: 1,
      nvPaddr: spa(UNUSABLE + 8n),
      nvLen: 0,
    };
    expectCascade(platform, 'INIT_EX', InitExBuffer, cmd, [
      ['platform is UNINIT', () => platform.bare('SHUTDOWN')],
      ['FLAGS bits 15:1 are zero', () => Object.assign(cmd, { flags: 1 })],
      ['reserved fields are zero', () => Object.assign(cmd, { reserved06: 0, reserved14: 0 })],
      ['LENGTH is 0x24', () => Object.assign(cmd, { length: 0x24 })],
      ['NV_PADDR is 4 KiB aligned', () => Object.assign(cmd, { nvPaddr: UNUSABLE })],
      ['NV_LEN is not 0', () => Object.assign(cmd, { nvLen: 0x4000 })],
      ...addressRows('NV_PADDR', cmd, 'nvPaddr', nvPaddr),
      ['NV_LEN is 0x8000', () => Object.assign(cmd, { nvLen: 0x8000 })],
      ['stored identity is undamaged', () => put(whole)],
      ['TMR is a usable range', () => Object.assign(cmd, { tmrPaddr: spa(nvPaddr + 0x1000n) })],
      ['TMR and NV area do not overlap', () => Object.assign(cmd, { tmrPaddr: spa(0x9000_1000n) })],
      ['TMR_PADDR is 1 MiB aligned', () => Object.assign(cmd, { tmrPaddr: spa(0x9000_0000n) })],
      ['TMR_LEN is 0x100000', () => Object.assign(cmd, { tmrLen: 0x10_0000 })],
      ['TMR lies in DRAM', () => Object.assign(cmd, { tmrPaddr: TMR })],
    ]);
    expect(status(platform)).toMatchObject({ state: 1, config: 1 });
  });

  it.each(['reserved06', 'reserved14'] as const)('looks at %s alone', (field) => {
    expect(withArea().start({ [field]: 1 })).toBe('INVALID_CONFIG');
  });

  it('without an area uses the flash, as INIT does', () => {
    const { platform, start, stop, area } = withArea();
    expect(start({ nvPaddr: spa(0n), nvLen: 0 })).toBe('SUCCESS');
    const { identity } = platform.sp;
    stop();
    expectSuccess(init(platform));
    expect(platform.sp.identity).toBe(identity);
    expect(area()).toEqual(emptyNvArea());
  });

  it('writes a new identity into an empty area, and not into the flash; finds it again, PDH and all', () => {
    const { platform, start, stop, area } = withArea();
    expect(start()).toBe('SUCCESS');
    const { identity } = platform.sp;
    expect(area().subarray(0, 4)).not.toEqual(new Uint8Array(4).fill(0xff));
    expect(
      area()
        .subarray(NV_RECORD_SIZE)
        .every((byte) => byte === 0xff),
    ).toBe(true);
    stop();
    expect(start()).toBe('SUCCESS');
    expect(platform.sp.identity).toEqual(identity);
    stop();
    expectSuccess(init(platform));
    expect(platform.sp.identity.pek).not.toEqual(identity.pek);
  });

  it('erases an area that is damaged, and makes a new identity the next time', () => {
    const { platform, start, stop, area, put } = withArea();
    expect(start()).toBe('SUCCESS');
    const { pek } = platform.sp.identity;
    stop();
    put(area().map((byte, at) => (at === NV_RECORD_SIZE - 1 ? byte ^ 1 : byte)));
    expect(start()).toBe('SECURE_DATA_INVALID');
    expect(platform.sp.state.platform).toBe('UNINIT');
    expect(area()).toEqual(emptyNvArea());
    expect(start()).toBe('SUCCESS');
    expect(platform.sp.identity.pek).not.toEqual(pek);
  });

  it("refuses another chip's area", () => {
    const first = withArea();
    expect(first.start()).toBe('SUCCESS');
    const other = createPlatform('genoa-1.55', 'another chip');
    const nvPaddr = other.place(first.area());
    expect(initEx(other, initExBuffer(nvPaddr))).toBe('SECURE_DATA_INVALID');
  });

  it('stores the new identity before it looks at the TMR', () => {
    const { start, area, platform } = withArea();
    expect(start({ flags: 1, tmrPaddr: spa(TMR + 0x1000n) })).toBe('INVALID_ADDRESS');
    expect(platform.sp.state.platform).toBe('UNINIT');
    expect(area()).not.toEqual(emptyNvArea());
  });

  it.each<readonly [string, (platform: Platform) => void]>([
    ['PDH_GEN', (platform) => expectSuccess(platform.bare('PDH_GEN'))],
    ['PEK_GEN', (platform) => expectSuccess(platform.bare('PEK_GEN'))],
    [
      'PEK_CERT_IMPORT',
      (platform) => {
        const owner = createOwner();
        expectSuccess(importPek(platform, signPek(owner, requestPek(platform)), owner.oca));
      },
    ],
  ])(
    '%s is stored in the area at once; who puts an old copy back brings the old identity back',
    (_, change) => {
      const { platform, start, stop, area, put } = withArea();
      expect(start()).toBe('SUCCESS');
      const old = { area: area(), identity: platform.sp.identity };
      change(platform);
      const changed = platform.sp.identity;
      expect(changed.pdh).not.toEqual(old.identity.pdh);
      stop();
      expect(start()).toBe('SUCCESS');
      expect(platform.sp.identity).toEqual(changed);
      stop();
      put(old.area);
      expect(start()).toBe('SUCCESS');
      expect(platform.sp.identity).toEqual(old.identity);
      stop();
      expect(platform.sp.state.stored).toBeUndefined();
    },
  );

  it('by the specification renews the PDH, and stores it', () => {
    const { platform, start, stop, area } = withArea('spec');
    expect(start()).toBe('SUCCESS');
    const { pdh } = platform.sp.identity;
    stop();
    expect(start()).toBe('SUCCESS');
    expect(platform.sp.identity.pdh).not.toEqual(pdh);
    expect(openIdentity(platform.sp.state.cuk, area())).toEqual(platform.sp.identity);
  });

  it('INIT after it uses the flash again, and leaves the area alone', () => {
    const { platform, start, stop, area } = withArea();
    expect(start()).toBe('SUCCESS');
    stop();
    const before = area();
    initialise(platform);
    expectSuccess(platform.bare('PDH_GEN'));
    expect(area()).toEqual(before);
  });

  it.each([
    ['the first byte', (area: Spa) => spa(area - 0xf_ffffn)],
    ['the last byte', (area: Spa) => spa(area + BigInt(NV_AREA_SIZE) - 1n)],
  ])('refuses a TMR that shares %s of the area', (_, place) => {
    const { start, nvPaddr } = withArea();
    expect(start({ flags: 1, tmrPaddr: place(nvPaddr), tmrLen: 0x10_0000 })).toBe('INVALID_ADDRESS');
  });
});

describe('PLATFORM_RESET', () => {
  it('has one check', () => {
    const platform = createPlatform();
    expectSuccess(init(platform));
    expect(platform.bare('PLATFORM_RESET')).toBe('INVALID_PLATFORM_STATE');
    expectSuccess(platform.bare('SHUTDOWN'));
    expect(platform.bare('PLATFORM_RESET')).toBe('SUCCESS');
  });

  it('erases the flash: the next INIT makes all but the CEK anew; an area of INIT_EX stays', () => {
    const { platform, start, stop, area } = withArea();
    expect(start()).toBe('SUCCESS');
    const kept = platform.sp.identity;
    stop();
    expectSuccess(init(platform));
    const { identity, cek } = platform.sp;
    stop();
    const before = area();
    expect(platform.bare('PLATFORM_RESET')).toBe('SUCCESS');
    expect(area()).toEqual(before);
    expectSuccess(init(platform));
    for (const name of ['oca', 'pek', 'pdh'] as const)
      expect(platform.sp.identity[name]).not.toEqual(identity[name]);
    expect(platform.sp.cek).toEqual(cek);
    stop();
    expect(start()).toBe('SUCCESS');
    expect(platform.sp.identity).toEqual(kept);
  });
});
