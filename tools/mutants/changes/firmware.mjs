// OVMF: the image, what SEC, PEI and DXE make of it, and what a kernel is given.
import { inFile } from './in-file.mjs';

const firmware = (name, ...rows) => inFile(`packages/firmware-sim/src/${name}.ts`, ...rows);
const codec = (name, ...rows) => inFile(`packages/codec/src/${name}.ts`, ...rows);

export const FIRMWARE = [
  ...firmware(
    'boot',
    ['SecretPei is left out', 'own.manifest.reservesArea === 1 && area.size > 0;\n', 'own === undefined;\n'],
    ['SecretPei is always there', 'own.manifest.reservesArea === 1 && area.size > 0;\n', 'area.size > 0;\n'],
    [
      'SecretPei reserves an empty area',
      'own.manifest.reservesArea === 1 && area.size > 0;\n',
      'own.manifest.reservesArea === 1;\n',
    ],
    ['SecretDxe is left out', 'own.manifest.publishesArea === 1 && area.size > 0', 'own === undefined'],
    ['SecretDxe is always there', 'own.manifest.publishesArea === 1 && area.size > 0', 'area.size > 0'],
    [
      'SecretDxe publishes an empty area',
      'own.manifest.publishesArea === 1 && area.size > 0',
      'own.manifest.publishesArea === 1',
    ],
    [
      'firmware goes by the layout and not by its table',
      'findArea(own.table, SEV_SECRET_BLOCK_GUID) ?? layout.secretArea',
      'layout.secretArea',
    ],
    [
      'the location lies where a kernel frees it',
      "layout.locationMemoryType === 'EfiACPIReclaimMemory' ? acpiReclaim : bootServicesData",
      'acpiReclaim && bootServicesData',
    ],
    [
      'the location lies in ACPI memory in every release',
      "layout.locationMemoryType === 'EfiACPIReclaimMemory' ? acpiReclaim : bootServicesData",
      'bootServicesData && acpiReclaim',
    ],
    [
      'no release keeps a page for IGVM',
      '...(layout.igvmParameters ? [igvmParameters(layout.igvmParameters)] : []),',
      '',
    ],
    [
      'the page for IGVM is of boot services',
      'EFI_MEMORY_TYPE.EfiRuntimeServicesData',
      'EFI_MEMORY_TYPE.EfiBootServicesData',
    ],
    [
      'there is no list of hand-off blocks',
      '{ vendorGuid: HOB_LIST_GUID, vendorTable: hobList }',
      '{ vendorGuid: HOB_LIST_GUID, vendorTable: hobList && undefined }',
    ],
    ['what PEI gave away is free again', '[...givenByPei, ...binsOf', '[...binsOf'],
    ['the kernel lies in free memory', '...(kernel?.ranges ?? [])', ''],
    ['a block is cut to whole pages', 'end: ((end + page - 1n) / page) * page', 'end: (end / page) * page'],
    [
      'a block starts at the next page',
      'memoryBaseAddress - (memoryBaseAddress % page)',
      'memoryBaseAddress + (page - memoryBaseAddress % page) % page',
    ],
    [
      'what cannot be verified is started',
      "if (blobs?.kind === 'stopped') return blobs;",
      "if (blobs?.kind === 'stopped') return { kind: 'next', bootParams: granted(allocatePages(pools.loaderData, 1)), commandLine: granted(allocatePages(pools.loaderData, 1)), kernel: undefined };",
    ],
    [
      'the hashes are read from shared memory',
      'memory.readPrivate(gpa(BigInt(area.base)), area.size)',
      'memory.readShared(gpa(BigInt(area.base)), area.size)',
    ],
    ['the verifier is always that of the first release', 'VERIFIERS[own.manifest.verifier]!', 'VERIFIERS[0]'],
    [
      'GRUB is never started',
      'const withoutKernel = blobs ? undefined :',
      'const withoutKernel = blobs ?? own ? undefined :',
    ],
    [
      'the area is cleared',
      'const params = encodeBootParams({',
      'memory.writePrivate(gpa(BigInt(area.base)), new Uint8Array(area.size));\n  const params = encodeBootParams({',
    ],
  ),
  ...firmware(
    'pei/secret-pei',
    ['SecretPei rounds down', 'alignUp(size, EFI_PAGE_SIZE)', 'size - (size % EFI_PAGE_SIZE)'],
    ['SecretPei does not round', 'alignUp(size, EFI_PAGE_SIZE)', 'size'],
    [
      'SecretPei reserves a page more',
      'alignUp(size, EFI_PAGE_SIZE)',
      'alignUp(size, EFI_PAGE_SIZE) + EFI_PAGE_SIZE',
    ],
    [
      'SecretPei leaves the area to the boot services in every release',
      'EFI_MEMORY_TYPE[type]',
      'EFI_MEMORY_TYPE[type && "EfiBootServicesData"]',
    ],
  ),
  ...firmware(
    'pei/hob-list',
    [
      'a hand-off block is 8 bytes shorter',
      'hobLength: MemoryAllocationHob.size,',
      'hobLength: MemoryAllocationHob.size - 8,',
    ],
    [
      'hand-off blocks are of another type',
      'EFI_HOB_TYPE_MEMORY_ALLOCATION = 0x0002',
      'EFI_HOB_TYPE_MEMORY_ALLOCATION = 0x0003',
    ],
    [
      'the list of hand-off blocks has no entries',
      '...hobs.map((hob) => MemoryAllocationHob.encode(hob)), end',
      '...hobs.slice(hobs.length).map((hob) => MemoryAllocationHob.encode(hob)), end',
    ],
  ),
  ...firmware(
    'dxe/secret-dxe',
    [
      'SecretDxe rounds the size up',
      'size: BigInt(size) })',
      'size: BigInt(Math.ceil(size / 4096) * 4096) })',
    ],
    ['SecretDxe tells of the next page', 'basePa: gpa(BigInt(base))', 'basePa: gpa(BigInt(base) + 0x1000n)'],
    ['SecretDxe writes where the host reads', 'memory.writePrivate(location', 'memory.writeShared(location'],
  ),
  ...firmware(
    'dxe/configuration-table',
    [
      'a table that is there is installed twice',
      'at === -1 ? [...installed, table] : installed.with(at, table)',
      '[...installed, table]',
    ],
    [
      'a table that nobody has takes out the last one',
      'installed.filter((_, i) => i !== at)',
      'installed.slice(0, at)',
    ],
  ),
  ...firmware(
    'system-table',
    [
      'the system table counts one entry less',
      'numberOfTableEntries: configuration.length',
      'numberOfTableEntries: configuration.length - 1',
    ],
    ['the console stays', 'conIn: nowhere', 'conIn: gpa(1n)'],
    ['the boot services stay', 'bootServices: nowhere', 'bootServices: gpa(1n)'],
    [
      'the vendor is text of bytes',
      'view.setUint16(2 * i, text.charCodeAt(i), true)',
      'view.setUint8(i, text.charCodeAt(i))',
    ],
    [
      'the vendor is text without an end',
      'new Uint8Array(2 * (text.length + 1))',
      'new Uint8Array(2 * (text.length + 1)).fill(65)',
    ],
    ['the vendor is big-endian text', 'text.charCodeAt(i), true)', 'text.charCodeAt(i), false)'],
    [
      'the system table says another size',
      'headerSize: EfiSystemTable.size',
      'headerSize: EfiSystemTable.size - 8',
    ],
  ),
  ...codec('efi/system-table', [
    'the system table is of UEFI 2.80',
    'EFI_SYSTEM_TABLE_REVISION = 0x0002_0046',
    'EFI_SYSTEM_TABLE_REVISION = 0x0002_0050',
  ]),
  ...firmware(
    'memory-map',
    [
      'pages are counted one short',
      'numberOfPages: (end - start) / PAGE',
      'numberOfPages: (end - start) / PAGE - 1n',
    ],
    ['the VGA hole is RAM', 'end: 0xa0000n', 'end: 0xb0000n'],
    ['the BIOS is RAM', 'start: 0x100000n', 'start: 0xf0000n'],
    ['the first page is missing', 'start: 0n, end: 0xa0000n', 'start: 0x1000n, end: 0xa0000n'],
    ['nothing is needed at run time', "type.startsWith('EfiRuntime') ?", "type.startsWith('-') ?"],
    [
      'RAM has no cache',
      'EFI_MEMORY_RUNTIME | EFI_MEMORY_RAM : EFI_MEMORY_RAM',
      'EFI_MEMORY_RUNTIME | EFI_MEMORY_RAM : EFI_MEMORY_RAM & 7n',
    ],
    ['the last allocation of a page decides', "range.type !== 'EfiConventionalMemory' ||", ''],
    [
      'what is left of a range behind an allocation is gone',
      '{ type: range.type, start: end, end: range.end },',
      '',
    ],
    [
      'what is left of a range before an allocation is gone',
      '{ type: range.type, start: range.start, end: start },',
      '',
    ],
    ['the map is in descending order', '(a.start < b.start ? -1 : 1)', '(a.start < b.start ? 1 : -1)'],
  ),
  ...firmware(
    'e820',
    [
      'reserved memory is RAM to the kernel',
      '[EFI_MEMORY_TYPE.EfiReservedMemoryType, E820_TYPE.RESERVED]',
      '[EFI_MEMORY_TYPE.EfiReservedMemoryType, E820_TYPE.RAM]',
    ],
    [
      'boot services memory stays reserved',
      '[EFI_MEMORY_TYPE.EfiBootServicesData, E820_TYPE.RAM]',
      '[EFI_MEMORY_TYPE.EfiBootServicesData, E820_TYPE.RESERVED]',
    ],
  ),
  ...firmware(
    'boot-params',
    [
      'boot_params tells the size of the structure as the stride',
      'efiMemdescSize: EfiMemoryDescriptor.size',
      'efiMemdescSize: 40',
    ],
    ['boot_params tells another version of descriptors', 'efiMemdescVersion: 1', 'efiMemdescVersion: 2'],
    [
      'boot_params leaves the last descriptor out',
      'efiMemmapSize: memoryMapSize',
      'efiMemmapSize: memoryMapSize - EfiMemoryDescriptor.size',
    ],
  ),
  ...firmware(
    'sec/memory-encryption',
    ['firmware starts without SEV', 'if ((eax & 0b10) === 0)', 'if ((eax & 0b10) === 2)'],
    [
      'firmware starts where SEV is not active',
      'if ((sevStatus & 1n) === 0n)',
      'if ((sevStatus & 1n) === 1n)',
    ],
  ),
  ...firmware(
    'sec/own-image',
    [
      'the image is read from shared memory',
      'memory.readPrivate(gpa(IMAGE_END',
      'memory.readShared(gpa(IMAGE_END',
    ],
    ['a changed image starts', 'if (!equal(found, bodySha256)) {', 'if (found === undefined) {'],
    [
      'the manifest ends 16 bytes sooner',
      'read(fromEnd, ImageManifest.size)',
      'read(fromEnd + 16, ImageManifest.size)',
    ],
  ),
  ...firmware(
    'grub',
    [
      'an empty grub.efi starts a kernel',
      "if (grub === 'empty') return",
      "if (grub === 'kernel' && !memory) return",
    ],
    [
      'GRUB leaves the passphrase',
      'memory.writePrivate(gpa(basePa + BigInt(entry.offset)), new Uint8Array(entry.len));',
      '',
    ],
    [
      'GRUB wipes the passphrase and leaves the entry',
      'BigInt(entry.offset)), new Uint8Array(entry.len)',
      'BigInt(entry.offset + 20)), new Uint8Array(entry.len - 20)',
    ],
    ['GRUB takes a passphrase without an end', 'entry?.data.at(-1) !== 0', 'entry === undefined'],
    ['GRUB needs no passphrase', "return stopped('no passphrase', {});", 'return undefined;'],
  ),
  ...firmware(
    'direct-boot/blob-verifier',
    ['hashes may be in an area that is too short', 'area.length < HashesTableHeader.size', 'area.length < 0'],
    ['any table of hashes will do', 'guid !== SEV_HASH_TABLE_GUID ||', ''],
    ['a table of hashes may be shorter than its header', '|| len < HashesTableHeader.size ||', '||'],
    ['a table of hashes may be longer than its area', '|| len > area.length)', ')'],
    ['a table of hashes may not fill its area', '|| len > area.length)', '|| len >= area.length)'],
    ['nothing is verified', "if (verifier === 'none')", "if (verifier !== 'none' || blob)"],
    [
      'without a table of hashes everything starts',
      "outcome: 'refused', reason: 'there is no table of hashes'",
      "outcome: 'unverified', reason: 'there is no table of hashes'",
    ],
    [
      'an empty table of hashes lets everything start',
      'entries === undefined || entries.length === 0',
      'entries === undefined',
    ],
    ['the verifier of 202408 is as the one before', "verifier === '202408'", "verifier === 'none'"],
    ['the verifier of 202108 is as the one of 202408', "verifier === '202408'", "verifier !== 'none'"],
    ['an entry of hashes may be longer than the table', 'if (len > entries.length - at) break;', ''],
    ['a hash of any length will do', 'len !== HashesTableHeader.size + SHA256_SIZE', 'len === 0'],
    [
      'a hash of another length is no entry',
      "return { outcome: 'refused', reason: `its entry has",
      "return { outcome: since202408 ? 'unverified' : 'refused', reason: `its entry has",
    ],
    ['any hash is right', "equal(hash, createHash('sha256').update(blob).digest())", 'hash.length > 0'],
    [
      'the first half of a hash is compared',
      "equal(hash, createHash('sha256').update(blob).digest())",
      "equal(hash.subarray(0, 16), createHash('sha256').update(blob).digest().subarray(0, 16))",
    ],
    [
      'an entry of length 0 ends the search',
      "if (len === 0) return { outcome: 'hang', reason: 'an entry of length 0 keeps the search in its place' };",
      'if (len === 0) break;',
    ],
    [
      'a wrong hash refuses in every release',
      "outcome: since202408 ? 'hang' : 'refused',",
      "outcome: 'refused',",
    ],
    [
      'what has no entry is refused in every release',
      "outcome: since202408 ? 'unverified' : 'refused',\n",
      "outcome: 'refused',\n",
    ],
    [
      'what has no entry starts in every release',
      "outcome: since202408 ? 'unverified' : 'refused',\n",
      "outcome: 'unverified',\n",
    ],
    [
      "the kernel's hash is that of the initrd",
      'kernel: SEV_KERNEL_HASH_GUID',
      'kernel: SEV_INITRD_HASH_GUID',
    ],
  ),
  ...firmware(
    'direct-boot/boot-blobs',
    [
      'a kernel that is offered is not taken',
      'if (!fwCfg.names.includes(BOOT_ITEMS.kernel)) return undefined;',
      'if (fwCfg) return undefined;',
    ],
    [
      'an initrd that is not offered is not verified',
      'const blob = fwCfg.read(item) ?? new Uint8Array();',
      'const blob = fwCfg.read(item)!;\n    if (!blob) continue;',
    ],
    [
      'the kernel is verified first',
      "cmdline: 'etc/boot/cmdline',\n  initrd: 'etc/boot/initrd',\n  kernel: 'etc/boot/kernel',",
      "kernel: 'etc/boot/kernel',\n  initrd: 'etc/boot/initrd',\n  cmdline: 'etc/boot/cmdline',",
    ],
    ['a command line need not end in NUL', 'if (commandLine.at(-1) !== 0)', 'if (commandLine.length === 0)'],
    [
      'firmware that hangs says so',
      "if (outcome === 'hang') return stopped('hangs', { name, why: reason });",
      "if (outcome === 'hang') return stopped('no boot option', { why: reason });",
    ],
    [
      'what was refused is started',
      "if (outcome === 'refused') return",
      "if (outcome === 'refused' && !name) return",
    ],
  ),
  ...firmware(
    'sev-metadata',
    [
      'metadata may lie outside the image',
      'fromEnd < SevMetadataHeader.size || fromEnd > image.length',
      'fromEnd === 0',
    ],
    ['metadata of any signature will do', 'signature !== kind.signature', 'signature === undefined'],
    ['metadata of any version will do', 'if (version !== 1)', 'if (version === 0)'],
    ['metadata may be longer than what is left', 'if (len > fromEnd)', 'if (len < 0)'],
    ['metadata may have more sections than its length', 'if (needed > len)', 'if (needed < 0)'],
    ['metadata has a section less', 'Array.from({ length: count }', 'Array.from({ length: count - 1 }'],
    ['metadata must end where its sections do', 'if (needed > len)', 'if (needed !== len)'],
    [
      'base and size of a section change places',
      "base: at(0x00, u32le, 'Guest-physical address.'),\n    size: at(0x04, u32le, 'Length, in bytes.'),",
      "size: at(0x00, u32le, ''),\n    base: at(0x04, u32le, ''),",
    ],
  ),
  ...firmware(
    'inspect',
    [
      'the hashes area is that of secrets',
      'const hashesArea = findArea(table, SEV_HASH_TABLE_BLOCK_GUID);',
      'const hashesArea = findArea(table, SEV_SECRET_BLOCK_GUID);',
    ],
    [
      'an offset of any length points to metadata',
      'OFFSET_GUIDS.includes(guid) && data.length === OffsetBlock.size',
      'OFFSET_GUIDS.includes(guid)',
    ],
  ),
  ...firmware(
    'layouts',
    [
      'the secret area of 202405 lies a page lower',
      "releases: '202405 to 202508',\n    secretArea: { base: 0x810000",
      "releases: '202405 to 202508',\n    secretArea: { base: 0x80f000",
    ],
    [
      'the area of 202202 is left to the boot services',
      "verifier: '202108',\n    areaMemoryType: 'EfiReservedMemoryType',\n    locationMemoryType: 'EfiBootServicesData'",
      "verifier: '202108',\n    areaMemoryType: 'EfiBootServicesData',\n    locationMemoryType: 'EfiBootServicesData'",
    ],
    [
      'the secret area of 202402 has a whole page',
      'secretArea: { base: 0x80f000, size: 0xc00 }',
      'secretArea: { base: 0x80f000, size: 0x1000 }',
    ],
    [
      'the page for IGVM lies elsewhere',
      'igvmParameters: { base: 0x812000',
      'igvmParameters: { base: 0x813000',
    ],
  ),
];
