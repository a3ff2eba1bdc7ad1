import type { EfiMemoryType } from '@sevlab/codec/efi/memory-map';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import type { Verifier } from './direct-boot/blob-verifier.ts';
import type { SevMetadataSection } from './sev-metadata.ts';

/** What differs between releases of edk2's AmdSev build, as far as the launch secret is concerned. */
export interface Layout {
  /** First and last release that are laid out like this. */
  readonly releases: string;
  /** PcdSevLaunchSecretBase and Size. */
  readonly secretArea: AreaBlock;
  /** PcdQemuHashTableBase and Size; absent before measured direct boot. */
  readonly hashesArea: AreaBlock | undefined;
  /** The release whose blob verifier an image of this layout has; see direct-boot/blob-verifier.ts. */
  readonly verifier: Verifier;
  /** What SecretPei's HOB says of the page; BootServicesData is the kernel's to overwrite. */
  readonly areaMemoryType: EfiMemoryType;
  /** Where SecretDxe keeps the location of the area. */
  readonly locationMemoryType: EfiMemoryType;
  /** PcdSevEsWorkAreaBase: the value of the SEV-ES reset block. */
  readonly sevEsWorkArea: number;
  /** The sections of the "ASEV" structure, in order; none before SEV-SNP. */
  readonly sevMetadata: readonly SevMetadataSection[];
  /** PcdOvmfIgvmParamBase and Size, which PEI gives to the runtime services (edk2 PlatformInitLib, Igvm.c). */
  readonly igvmParameters?: AreaBlock;
}

/** The page of the secret area is part of the second section. */
const SEV_METADATA_202205: readonly SevMetadataSection[] = [
  { base: 0x800000, size: 0x9000, type: 1 },
  { base: 0x80a000, size: 0x4000, type: 1 },
  { base: 0x80e000, size: 0x1000, type: 2 },
  { base: 0x80f000, size: 0x1000, type: 3 },
  { base: 0x810000, size: 0x10000, type: 1 },
];

/**
 * The layouts by the edk2-stable tag that brought them (OvmfPkg/AmdSev/AmdSevX64.fdf, SecretPei.c, SecretDxe.c,
 * ResetVector/ResetVector.nasmb and ResetVector/X64/OvmfSevMetadata.asm of each tag).
 */
export const LAYOUTS = {
  '202102': {
    releases: '202102 to 202105',
    secretArea: { base: 0x80c000, size: 0x1000 },
    hashesArea: undefined,
    verifier: 'none',
    areaMemoryType: 'EfiBootServicesData',
    locationMemoryType: 'EfiBootServicesData',
    sevEsWorkArea: 0x80b000,
    sevMetadata: [],
  },
  '202108': {
    releases: '202108 to 202111',
    secretArea: { base: 0x80c000, size: 0xc00 },
    hashesArea: { base: 0x80cc00, size: 0x400 },
    verifier: '202108',
    areaMemoryType: 'EfiBootServicesData',
    locationMemoryType: 'EfiBootServicesData',
    sevEsWorkArea: 0x80b000, // VERSION: 202111 has 0x80b004
    sevMetadata: [],
  },
  '202202': {
    releases: '202202 to 202211',
    secretArea: { base: 0x80c000, size: 0xc00 },
    hashesArea: { base: 0x80cc00, size: 0x400 },
    verifier: '202108',
    areaMemoryType: 'EfiReservedMemoryType',
    locationMemoryType: 'EfiBootServicesData',
    sevEsWorkArea: 0x80b004,
    sevMetadata: SEV_METADATA_202205, // VERSION: 202202 itself has none
  },
  '202302': {
    releases: '202302 to 202311',
    secretArea: { base: 0x80c000, size: 0xc00 },
    hashesArea: { base: 0x80cc00, size: 0x400 },
    verifier: '202108',
    areaMemoryType: 'EfiReservedMemoryType',
    locationMemoryType: 'EfiACPIReclaimMemory',
    sevEsWorkArea: 0x80b004,
    sevMetadata: SEV_METADATA_202205,
  },
  '202402': {
    releases: '202402',
    secretArea: { base: 0x80f000, size: 0xc00 },
    hashesArea: { base: 0x80fc00, size: 0x400 },
    verifier: '202108',
    areaMemoryType: 'EfiReservedMemoryType',
    locationMemoryType: 'EfiACPIReclaimMemory',
    sevEsWorkArea: 0x80b004,
    sevMetadata: [
      { base: 0x800000, size: 0x9000, type: 1 },
      { base: 0x80a000, size: 0x3000, type: 1 },
      { base: 0x80d000, size: 0x1000, type: 2 },
      { base: 0x80e000, size: 0x1000, type: 3 },
      { base: 0x80f000, size: 0x1000, type: 0x10 },
      { base: 0x810000, size: 0x10000, type: 1 },
    ],
  },
  '202405': {
    releases: '202405 to 202508',
    secretArea: { base: 0x810000, size: 0xc00 },
    hashesArea: { base: 0x810c00, size: 0x400 },
    verifier: '202408', // VERSION: 202405 itself still has the one before
    areaMemoryType: 'EfiReservedMemoryType',
    locationMemoryType: 'EfiACPIReclaimMemory',
    sevEsWorkArea: 0x80b004,
    // VERSION: up to 202408 the section of type 16 comes before the last one.
    sevMetadata: [
      { base: 0x800000, size: 0x9000, type: 1 },
      { base: 0x80a000, size: 0x3000, type: 1 },
      { base: 0x80d000, size: 0x1000, type: 2 },
      { base: 0x80e000, size: 0x1000, type: 3 },
      { base: 0x80f000, size: 0x1000, type: 4 },
      { base: 0x811000, size: 0xf000, type: 1 },
      { base: 0x810000, size: 0x1000, type: 0x10 },
    ],
  },
  '202511': {
    releases: '202511 to 202605',
    secretArea: { base: 0x810000, size: 0xc00 },
    hashesArea: { base: 0x810c00, size: 0x400 },
    verifier: '202408',
    areaMemoryType: 'EfiReservedMemoryType',
    locationMemoryType: 'EfiACPIReclaimMemory',
    sevEsWorkArea: 0x80b004,
    sevMetadata: [
      { base: 0x800000, size: 0x9000, type: 1 },
      { base: 0x80a000, size: 0x3000, type: 1 },
      { base: 0x80d000, size: 0x1000, type: 2 },
      { base: 0x80e000, size: 0x1000, type: 3 },
      { base: 0x80f000, size: 0x1000, type: 4 },
      { base: 0x811000, size: 0x1f000, type: 1 },
      { base: 0x810000, size: 0x1000, type: 0x10 },
    ],
    igvmParameters: { base: 0x812000, size: 0x1000 },
  },
} as const satisfies Readonly<Record<string, Layout>>;

export type LayoutName = keyof typeof LAYOUTS;
export const DEFAULT_LAYOUT: LayoutName = '202405';

export const isLayoutName = (name: string): name is LayoutName => Object.hasOwn(LAYOUTS, name);
