import { hexAddress, isAligned } from '@sevlab/codec/address';
import { EFI_PAGE_SIZE } from '@sevlab/codec/efi/memory-map';
import type { AreaBlock } from '@sevlab/codec/ovmf/guided-table';
import { HASHES_TABLE_SIZE } from '@sevlab/codec/ovmf/hashes-table';
import { error, type Finding, warning } from './inspect-findings.ts';
import type { SevMetadataSection } from './sev-metadata.ts';

/** What an image says of memory. */
export interface AnnouncedMemory {
  /** Length of the image, whose last byte lies at 4 GiB - 1. Bytes. */
  readonly imageSize: number;
  readonly secretArea: AreaBlock | undefined;
  readonly hashesArea: AreaBlock | undefined;
  readonly sections: readonly SevMetadataSection[];
}

/** What is wrong with where an image has its secret area and its hashes area. */
export function areaFindings({ imageSize, secretArea, hashesArea, sections }: AnnouncedMemory): Finding[] {
  const secret = secretArea && named('secret area', secretArea);
  const hashes = hashesArea && named('hashes area', hashesArea);
  const image: Area = { name: 'image', base: FOUR_GIB - imageSize, size: imageSize };
  return [
    ...(secretArea ? emptySecretFindings(secretArea) : []),
    ...(hashesArea ? smallHashesFindings(hashesArea) : []),
    ...[secret, hashes].flatMap((area) =>
      area ? [...placeFindings(area, image), ...workingMemoryFindings(area, sections)] : [],
    ),
    ...(secret ? pageFindings(secret, hashes) : []),
  ];
}

interface Area extends AreaBlock {
  readonly name: string;
}

/** An area that is there: 0/0 is none. */
const named = (name: string, area: AreaBlock): Area | undefined =>
  isThere(area) ? { name, ...area } : undefined;

const FOUR_GIB = 0x1_0000_0000;

/** LAUNCH_SECRET and LAUNCH_UPDATE_DATA take addresses that are multiples of this (55766, both commands). */
const COMMAND_ALIGNMENT = 16;

/** Memory for the areas themselves, not for the firmware (edk2 OvmfPkg/ResetVector/X64/OvmfSevMetadata.nasm.inc). */
const KERNEL_HASHES_SECTION = 0x10;

/** 0 is where a processor's vectors lie; QEMU takes a hashes area there for none. */
const isThere = ({ base, size }: AreaBlock): boolean => base !== 0 && size !== 0;

const endOf = ({ base, size }: AreaBlock): number => base + size;
const overlap = (a: AreaBlock, b: AreaBlock): boolean => a.base < endOf(b) && b.base < endOf(a);
const address = (value: number): string => hexAddress(BigInt(value));
const rangeText = (area: AreaBlock): string => `${address(area.base)} to ${address(endOf(area) - 1)}`;
const pageOf = (value: number): number => value - (value % EFI_PAGE_SIZE);
const insideOnePage = (area: AreaBlock): boolean => pageOf(area.base) === pageOf(endOf(area) - 1);

function emptySecretFindings(area: AreaBlock): Finding[] {
  if (isThere(area)) return [];
  return [
    warning(
      `the secret block says base ${address(area.base)}, size ${area.size}: this firmware has no secret area, ` +
        'and QEMU would inject there all the same',
    ),
  ];
}

/** target/i386/sev.c, sev_add_kernel_loader_hashes. */
function smallHashesFindings({ base, size }: AreaBlock): Finding[] {
  if (base !== 0 && size >= HASHES_TABLE_SIZE) return [];
  return [
    warning(
      `the hash table block says base ${address(base)}, size ${size}: QEMU refuses kernel-hashes=on, ` +
        `for which it needs ${HASHES_TABLE_SIZE} bytes`,
    ),
  ];
}

function placeFindings(area: Area, image: Area): Finding[] {
  const found = `the ${area.name} ${rangeText(area)}`;
  if (endOf(area) > FOUR_GIB) return [error(`${found} reaches over 4 GiB`)];
  const findings: Finding[] = [];
  if (!isAligned(area.base, COMMAND_ALIGNMENT)) {
    findings.push(error(`${found} does not start at a multiple of ${COMMAND_ALIGNMENT}`));
  }
  if (!insideOnePage(area)) {
    findings.push(error(`${found} does not lie inside one page of ${EFI_PAGE_SIZE} bytes`));
  }
  if (overlap(area, image)) {
    findings.push(
      error(`${found} lies in the image itself, ${rangeText(image)}: it would destroy measured code`),
    );
  }
  return findings;
}

/**
 * A trap and no more: from 202205 to 202311 the area lies in such memory, and only SEV-SNP makes use of the metadata
 * (edk2 OvmfPkg/AmdSev/AmdSevX64.fdf, OvmfPkg/ResetVector/ResetVector.nasmb).
 */
const workingMemoryFindings = (area: Area, sections: readonly SevMetadataSection[]): Finding[] =>
  sections
    .filter((section) => section.type !== KERNEL_HASHES_SECTION && overlap(area, section))
    .map((section) =>
      warning(
        `the ${area.name} ${rangeText(area)} lies in ${rangeText(section)}, where firmware works, says a section of ` +
          `type ${section.type} of its SEV metadata`,
      ),
    );

/**
 * The two areas make one page between them, 3 KiB and 1 KiB since 202108 (edk2 OvmfPkg/AmdSev/AmdSevX64.fdf), and
 * SecretPei gives away whole pages: what else lies there is in the way of a long secret, and nobody keeps it.
 */
function pageFindings(secret: Area, hashes: Area | undefined): Finding[] {
  if (hashes && overlap(secret, hashes)) {
    const free = hashes.base - secret.base;
    const found = `the secret area ${rangeText(secret)} overlaps the hashes area ${rangeText(hashes)}`;
    return [error(free > 0 ? `${found}: only ${free} bytes are free before the measured hashes` : found)];
  }
  const page = pageOf(secret.base);
  const behind = hashes && pageOf(hashes.base) === page ? hashes.size : 0;
  const rest = EFI_PAGE_SIZE - secret.size - behind;
  if (rest <= 0 || !insideOnePage(secret)) return [];
  return [
    warning(
      `the secret area ${rangeText(secret)} and a hashes area do not make a whole page: firmware gives away the ` +
        `other ${rest} bytes of ${address(page)} too`,
    ),
  ];
}
