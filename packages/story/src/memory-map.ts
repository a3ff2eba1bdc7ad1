import { type Gpa, gpa, type Spa } from '@sevlab/codec/address';
import { EFI_MEMORY_TYPE, EFI_PAGE_SIZE, EfiMemoryDescriptor } from '@sevlab/codec/efi/memory-map';
import { type AnyEvent, bytesOf, type EventOf } from './event.ts';
import type { MemoryHistory } from './memory-history.ts';

/** Guest memory of one kind. Both ends are included. */
export interface Region {
  readonly first: Gpa;
  readonly last: Gpa;
  /** `EfiReservedMemoryType`, or e820's word for it. */
  readonly type: string;
  /** What it is for. */
  readonly about: string;
}

/** Pages that somebody used. Both ends are included. */
export interface PageRange<Address> {
  readonly first: Address;
  readonly last: Address;
}

/** How the memory of a guest is divided, as far as a trace tells it. */
export interface MemoryMap {
  /** Who tells the regions: the map that the firmware handed over, the kernel's log, or nobody yet. */
  readonly source: 'efi' | 'e820' | 'none';
  readonly regions: readonly Region[];
  readonly secretArea?: {
    readonly base: Gpa;
    /** Bytes. */
    readonly size: number;
    readonly reserved: boolean;
    /** Where base and size stand. */
    readonly location: Gpa;
  };
  /** Guest pages that were written through the guest's key. */
  readonly encrypted: readonly PageRange<Gpa>[];
  /** Guest pages whose C-bit the guest cleared. */
  readonly shared: readonly PageRange<Gpa>[];
  /** Pages of DRAM that somebody wrote to and no guest page is known to lie at. */
  readonly elsewhere: readonly PageRange<Spa>[];
}

/** The map after the first `upTo` events, for the guest under an ASID; the first one unless given. */
export function memoryMapAt(
  events: readonly AnyEvent[],
  history: MemoryHistory,
  upTo: number,
  asid: number = history.asids[0] ?? 0,
): MemoryMap {
  const handover = lastHandover(events, upTo);
  const efi = handover === undefined ? undefined : efiRegions(events, upTo, handover.memoryMap);
  const e820 = efi === undefined ? e820Regions(events, upTo) : [];
  const area = handover?.secretArea;
  const isShared = new Set(history.sharedPages(upTo, asid));
  const encrypted: Gpa[] = [];
  const elsewhere: Spa[] = [];
  const privately = new Set(history.writtenPages(upTo, { privately: true }));
  for (const page of history.writtenPages(upTo)) {
    const address = history.gpaOf(upTo, asid, page);
    if (address === undefined) elsewhere.push(page);
    else if (privately.has(page) && !isShared.has(address)) encrypted.push(address);
  }
  return {
    source: efi !== undefined ? 'efi' : e820.length > 0 ? 'e820' : 'none',
    regions: efi ?? e820,
    ...(area && {
      secretArea: {
        base: gpa(BigInt(area.base)),
        size: area.size,
        reserved: area.reserved,
        location: gpa(BigInt(area.location)),
      },
    }),
    encrypted: ranges(encrypted),
    shared: ranges([...isShared]),
    elsewhere: ranges(elsewhere),
  };
}

function lastHandover(events: readonly AnyEvent[], upTo: number): EventOf<'handover'> | undefined {
  return events.findLast((event, at): event is EventOf<'handover'> => at < upTo && event.type === 'handover');
}

const TYPES = new Map(Object.entries(EFI_MEMORY_TYPE).map(([name, type]) => [type as number, name]));

const ABOUT: Readonly<Record<string, string>> = {
  EfiReservedMemoryType: 'Nobody may use it. The secret area is of this type.',
  EfiLoaderCode: 'Code of the boot loader; free for the kernel afterwards.',
  EfiLoaderData: 'Data of the boot loader, such as boot_params; free for the kernel afterwards.',
  EfiBootServicesCode: 'Code of the firmware until ExitBootServices; free afterwards.',
  EfiBootServicesData: 'Data of the firmware until ExitBootServices; free afterwards.',
  EfiRuntimeServicesCode: 'Code of the firmware that the kernel calls later.',
  EfiRuntimeServicesData: 'Data of the firmware that the kernel keeps.',
  EfiConventionalMemory: 'Free memory.',
  EfiACPIReclaimMemory: 'ACPI tables. The kernel may use it once it has read them.',
  EfiACPIMemoryNVS: 'ACPI; the kernel keeps it.',
  usable: 'RAM for the kernel to use.',
  reserved: 'Nobody may use it. The secret area should be in such a region.',
  'ACPI data': 'ACPI tables. The kernel may use it once it has read them.',
  'ACPI NVS': 'ACPI; the kernel keeps it.',
};

const region = (first: bigint, last: bigint, type: string): Region => ({
  ...{ first: gpa(first), last: gpa(last), type },
  about: ABOUT[type] ?? '',
});

/** The map that the firmware left at an address, from whoever wrote or read it there; undefined without its bytes. */
function efiRegions(events: readonly AnyEvent[], upTo: number, address: string): Region[] | undefined {
  const map = events.findLast(
    (event, at) =>
      at < upTo && event.type === 'access' && event.gpa === address && bytesOf(event.closed, 'plain'),
  );
  const plain = map && bytesOf(map.closed, 'plain');
  if (plain === undefined) return undefined;
  return Array.from({ length: Math.floor(plain.length / EfiMemoryDescriptor.size) }, (_, i) => {
    const { type, physicalStart, numberOfPages } = EfiMemoryDescriptor.decodeAt(
      plain,
      i * EfiMemoryDescriptor.size,
    );
    const end = physicalStart + numberOfPages * BigInt(EFI_PAGE_SIZE);
    return region(physicalStart, end - 1n, TYPES.get(type) ?? `type ${type}`);
  });
}

const E820_LINE = /^BIOS-e820: \[mem (0x[0-9a-f]+)-(0x[0-9a-f]+)\] (.+)$/;

/** What the kernel logged of e820 the last time that it booted. */
function e820Regions(events: readonly AnyEvent[], upTo: number): Region[] {
  const found: Region[] = [];
  for (const event of events.slice(0, upTo)) {
    if (event.type === 'vmrun' || event.type === 'handover') found.length = 0;
    const [, first, last, type] = (event.type === 'printk' && E820_LINE.exec(event.line)) || [];
    if (first !== undefined && last !== undefined && type !== undefined)
      found.push(region(BigInt(first), BigInt(last), type));
  }
  return found;
}

/** Pages as ranges of neighbours. `pages` are in order; those of shared pages come so from the history. */
function ranges<Address extends bigint>(pages: readonly Address[]): PageRange<Address>[] {
  const size = BigInt(EFI_PAGE_SIZE);
  const found: { first: Address; last: Address }[] = [];
  for (const page of pages.toSorted((a, b) => (a < b ? -1 : 1))) {
    const last = found.at(-1);
    const end = (page + size - 1n) as Address; // an address of the same kind
    if (last !== undefined && last.last + 1n === page) last.last = end;
    else found.push({ first: page, last: end });
  }
  return found;
}
