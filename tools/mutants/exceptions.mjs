// Mutants that no case is to notice, by name or by what their names have in common, each with the reason.

const UNKNOWN_ORDER = 'No public text has this order: it is our reading, which the suite asks of nobody.';
const UNKNOWN_STATUS =
  'No public text says which status this has: ours is a guess, which the suite asks of nobody.';
const SECOND_CHIP = 'A case has one chip.';
const CELLS =
  'All cells are taken after 65,536 VMSAs, more than a case has steps for: packages/psp-sim/src/sev-es.test.ts.';
const LATER_CHECK = 'Whatever it lets pass a later check refuses with the same status.';
const NO_USE = 'In the states that follow no command uses it: packages/psp-sim/src/launch.test.ts.';
const MACHINE = 'Where memory lies is for the machine to say, and not for the AMD-SP.';
const NOT_MADE = 'No case can make such a certificate: packages/sev-channel/src/certificate.test.ts.';

export const EXCEPTIONS = [
  [/^COPY: .*, before /, UNKNOWN_ORDER],
  [/^COPY: nobody checks that (SRC_PADDR|DST_PADDR|LENGTH) is /, UNKNOWN_STATUS],
  [/^INIT_EX: .*NV_LEN is not 0/, UNKNOWN_STATUS],
  [
    /^ACTIVATE_EX: .*(NUMIDS|IDS_PADDR).*, before |^ACTIVATE_EX: .*, before .*(NUMIDS|IDS_PADDR)/,
    UNKNOWN_ORDER,
  ],
  [/^ACTIVATE_EX: nobody checks that NUMIDS|^ACTIVATE_EX takes /, UNKNOWN_STATUS],
  [/^SEND_START: .*, before /, UNKNOWN_ORDER],
  [/^SEND_UPDATE_(DATA|VMSA): .*, before /, UNKNOWN_ORDER],
  [
    /^RECEIVE_UPDATE_VMSA: .*(GUEST_LEN is 0x1000|guest has SEV-ES|guest has an ASID|a checksum cell).*, before /,
    UNKNOWN_ORDER,
  ],
  ['debugging looks at the destination first', UNKNOWN_ORDER],
  [
    /^ACTIVATE(_EX)?: ASID has no (other )?guest, before ASID is in range$/,
    "An ASID out of range is nobody's.",
  ],
  [
    /^PEK_CERT_IMPORT: OCA bears a good signature by itself, before OCA_PADDR lies in DRAM$/,
    'What lies outside memory is no certificate, and so bears no bad signature.',
  ],
  [/^(SEND|RECEIVE)_UPDATE_VMSA: nobody checks that GUEST_LEN is 0x1000/, UNKNOWN_STATUS],
  [/^SEND_UPDATE_VMSA: nobody checks that GUEST_LEN is (not 0|a multiple|within)/, LATER_CHECK],
  [/^SEND_START: nobody checks that (ARK is|ASK is|ARK signed)/, UNKNOWN_STATUS],
  [/^an ASK need not name|^every signature of AMD is good$|^a chain of 2048 bits/, UNKNOWN_STATUS],
  [
    /^SEND_START: nobody checks that receiver (is as new|has the same)/,
    'It takes two platforms: packages/psp-sim/src/commands/migration.test.ts.',
  ],
  [
    'a receiver of another owner has the same one',
    'It takes two platforms: packages/psp-sim/src/commands/migration.test.ts.',
  ],
  [/: nobody checks that certificate usage is known$/, LATER_CHECK],
  [
    /^LAUNCH_START: .*there is a session, or none is needed/,
    'No profile refuses a launch without a session: packages/psp-sim/src/launch.test.ts.',
  ],
  [/^profile genoa-1.55: refusedVmsaIsMeasured|^profile spec: refusedVmsaIsMeasured/, CELLS],
  [/^LAUNCH_UPDATE_VMSA: .*a checksum cell is free/, CELLS],
  [
    /^the pool has a cell less$|keeps its VMSA cells$|^cells of a guest that goes|^a refused VMSA is measured by/,
    CELLS,
  ],
  ['the memory key has another label', 'Nobody sees the key, and with any label each guest has its own.'],
  ['the highest address is one byte lower', MACHINE],
  [/^DRAM (starts|ends) a page /, MACHINE],
  ['WBINVD from before INIT counts', 'No public text says whether INIT forgets it.'],
  ['a renewed PDH is not stored', 'The next INIT renews it anyway.'],
  ['the CEK is the same in every chip', SECOND_CHIP],
  ['any chip opens a stored identity', SECOND_CHIP],
  ['every command writes its buffer back', 'What was only read is what was there.'],
  ['a buffer is written back whatever the status', 'What was only read is what was there.'],
  [/^a finished guest (keeps its (transport keys|measurement)|is still being measured)$/, NO_USE],
  [/^SEND_(CANCEL|FINISH) keeps the keys$/, NO_USE],
  [
    'the ASID of a finished guest counts as one of a pending guest',
    'Either belongs to somebody, and no command asks for more.',
  ],
  [
    'SEND_START sends fixed keys',
    'They are wrapped under a key of each session: packages/psp-sim/src/commands/migration.test.ts.',
  ],
  [
    'what an earlier DF_FLUSH cleaned is forgotten',
    'No public text says how one DF_FLUSH goes on where another ended.',
  ],
  ['SHUTDOWN remembers where the identity is stored', 'The next INIT says where.'],
  ['an ASID without a key reads cells', 'A check refuses guests without an ASID, and others have a key.'],
  [
    "somebody else's file can be changed",
    'A case acts for others by ls, read, rm and stat: packages/guest-kernel-sim/src/syscall-matrix.test.ts.',
  ],
  [/^bytes behind a coordinate|^coordinates may be p or more$/, NOT_MADE],
  [/^anybody may sign anything$|^a PEK may sign a PEK$|^any key usage is known$/, NOT_MADE],
  [
    /^RSA certificates have no sound key$|^SHA-256 for every signature$|^the algorithm of the signature on a CEK/,
    NOT_MADE,
  ],
  ['any r and s will do', "Node's library refuses them as well."],
  [
    /^CPUID tells of another C-bit$|^SEV-ES is active in every guest$/,
    'It shows in the work area of the firmware, which no kernel reads.',
  ],
  [
    /^the AMD-SP never says that|^the answer does not tell|^the command has 9 bits$|^writing bit 31 rings$/,
    'The suite asks what a command answers, whatever the registers are: packages/machine/src/devices/mailbox.test.ts.',
  ],
  ['SecretPei reserves an empty area', 'A block of no pages reserves nothing.'],
  ['the kernel lies in free memory', 'Where a kernel lies is not for edk2 to say.'],
  [
    /^a block (is cut to whole pages|starts at the next page)$/,
    'SecretPei makes whole pages of it, and no build has an area that starts inside a page.',
  ],
  [
    'a table that is there is installed twice',
    'No driver installs a table twice: packages/firmware-sim/src/dxe/configuration-table.test.ts.',
  ],
  [
    'the system table counts one entry less',
    'The last one is the table of memory attributes, which no case asks for.',
  ],
  ['the first page is missing', 'What firmware leaves of the first page differs.'],
  ['the last allocation of a page decides', 'Nothing is given away twice.'],
  ['the map is in descending order', 'UEFI asks for no order.'],
  ['boot_params leaves the last descriptor out', 'What lies at the end of memory differs.'],
  [
    /^(reserved memory is RAM to the kernel|boot services memory stays reserved)$/,
    "The e820 map is the work of the kernel's EFI stub: packages/firmware-sim/src/e820.test.ts.",
  ],
  [
    'hashes may be in an area that is too short',
    'Every layout has 1 KiB for them: packages/firmware-sim/src/direct-boot/blob-verifier.test.ts.',
  ],
  ['a table of hashes may be shorter than its header', 'Then it has no entries, which is refused as well.'],
  ['metadata of any version will do', 'QEMU does not look at the version.'],
  ['an offset of any length points to metadata', UNKNOWN_STATUS],
  ['without a location the probe answers ENODEV', 'Without a location there is no device to probe.'],
  [
    /^(the location is read from|a file shows what lies in|a removed file is wiped in) shared memory$/,
    'The cases of the kernel run without memory encryption, on a real one as here.',
  ],
  ['a removed file is what it was to whoever opened it', 'Nobody can open it any more.'],
  ['files are removed first to last', 'Nobody can look in between.'],
  [
    /^the documented kernel /,
    'It is the kernel of its documentation, which nobody runs: packages/guest-kernel-sim/src/boot.test.ts.',
  ],
  [/^Debian's kernel /, 'It has no driver, and no case is for it.'],
  [
    /^(the memory map lies below 4 GiB|a memory map is necessary|descriptors of any size are read|strange descriptors are not warned of)$/,
    'The tables of a case have no such memory map.',
  ],
  [
    /^(neighbours of one type stay apart|entries without size count|RAM without write-back is RAM|ACPI memory of EFI is RAM|129 entries are read|the BIOS range is RAM)$/,
    'The tables of a case have no such entries.',
  ],
  ['RAM before a range is in the way', 'A piece that ends before it begins has no page.'],
  ['the command line has no end', 'Only its last word would be another, and no case asks for that.'],
  ['a built-in driver can be loaded', 'Where the driver is part of the kernel there is no module to load.'],
  ['the oldest name comes first', 'A listing is compared without its order.'],
  [
    'files can be written at an offset',
    'No operation of a case does: packages/guest-kernel-sim/src/syscall-matrix.test.ts.',
  ],
  ['a file at its start shows what was read before', 'At the start nothing was read before.'],
];

/** Whether an exception is about that mutant. */
export const concerns = ([which], name) => (typeof which === 'string' ? which === name : which.test(name));

/** Why a mutant may survive; undefined for one that must not. */
export const reasonFor = (name) => EXCEPTIONS.find((exception) => concerns(exception, name))?.[1];
