import type { Spa } from '@sevlab/codec/address';
import { createIdentity, createPdh, type PlatformIdentity } from './identity.ts';
import { emptyNvArea, isEmpty, NV_AREA_SIZE, openIdentity, sealIdentity } from './nv-area.ts';
import type { SecureProcessor } from './secure-processor.ts';

/**
 * The stored identity, or a new one, which is then stored. `nvPaddr` is the area of INIT_EX in system memory, undefined
 * for the part's flash. Undefined when what is stored there is damaged; then the area is erased.
 * NOT MODELLED: a damaged flash.
 */
export function takeIdentity(sp: SecureProcessor, nvPaddr: Spa | undefined): PlatformIdentity | undefined {
  const { stored, profile, cuk } = sp.state;
  const area = nvPaddr === undefined ? undefined : sp.memory.read(nvPaddr, NV_AREA_SIZE);
  const empty = area === undefined ? stored === undefined : isEmpty(area);
  if (empty) {
    const made = createIdentity(sp.cek, profile.version, sp.entropy);
    writeIdentity(sp, made, nvPaddr);
    return made;
  }

  const found = area === undefined ? stored : openIdentity(cuk, area);
  if (found === undefined) {
    if (nvPaddr !== undefined) sp.memory.write(nvPaddr, emptyNvArea());
    return undefined;
  }
  if (!profile.initRenewsPdh) return found;
  const renewed = { ...found, pdh: createPdh(found.pek, profile.version, sp.entropy) };
  writeIdentity(sp, renewed, nvPaddr);
  return renewed;
}

/** Stores an identity where INIT or INIT_EX took it from, and uses it from now on. */
export function changeIdentity(sp: SecureProcessor, identity: PlatformIdentity): void {
  writeIdentity(sp, identity, sp.state.nvPaddr);
  sp.state.identity = identity;
}

function writeIdentity(sp: SecureProcessor, identity: PlatformIdentity, nvPaddr: Spa | undefined): void {
  if (nvPaddr === undefined) sp.state.stored = identity;
  else sp.memory.write(nvPaddr, sealIdentity(sp.state.cuk, identity, sp.entropy));
}
