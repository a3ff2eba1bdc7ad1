/** What differs between Linux releases, seen from user space. Everything else is the same on all of them. */
export interface KernelProfile {
  /** The name that was asked for: a series or a release. */
  readonly name: string;
  /** The release whose behaviour this is. */
  readonly release: string;
  /**
   * Who decides that the secret area is announced to user space. `table`: the device exists whenever the
   * configuration table has the entry (drivers/firmware/efi/efi.c, efisubsys_init). `header`: only when the area
   * starts with the header GUID, as Documentation/security/secrets/coco.rst tells it. `nobody`: the kernel is built
   * without CONFIG_EFI_COCO_SECRET and has no such module, as Debian's are.
   */
  readonly announces: 'table' | 'header' | 'nobody';
  /**
   * Whether unlink moves the directory's mtime and ctime. Since 6.17, 6.1.149 and 6.12.43 efi_secret_unlink() hands
   * the file's own inode where the directory's belongs.
   */
  readonly unlinkTouchesDirectory: boolean;
  /** Whether removing a directory takes whole subtrees along (securityfs_remove() since 6.17). */
  readonly removesSubtrees: boolean;
  /** drivers/base/dd.c, call_driver_probe(): a warning that names the driver, or an error that names the device. */
  readonly probeFailure: 'warning' | 'error';
  /** drivers/firmware/efi/efi.c, efi_systab_report_header(): `v2.70` up to 6.2, `v2.7` since 6.3. */
  readonly efiVersion: 'two-digits' | 'standard';
  /** Up to 6.2 an EFI revision below 1.0 is warned of. */
  readonly warnsOfOldEfi: boolean;
  /** arch/x86/kernel/e820.c: the words of the memory map, and whether gaps between entries are printed. */
  readonly e820: 'usable' | 'System RAM';
  /** Whether the kernel prints SEV_STATUS (arch/x86/mm/mem_encrypt.c, sev_show_status()). */
  readonly showsSevStatus: boolean;
  /** statfs(2), f_fsid of securityfs: 0 or derived from the device number (fs/libfs.c, simple_statfs(), since 6.7). */
  readonly securityfsHasFsid: boolean;
  /** stx_attributes_mask of statx(2) on securityfs. */
  readonly statxAttributes: number;
  /** Whether an ACL is parsed before anybody asks if the file can have one (fs/posix_acl.c, since 6.2). */
  readonly parsesAclFirst: boolean;
  /** Whether a file system without leases of its own takes F_SETLEASE (fs/locks.c). */
  readonly leasesEverywhere: boolean;
  /** Whether tmpfs keeps attributes called `user.*` (since 6.6), and takes O_DIRECT (since 6.6). */
  readonly tmpfsUserXattrs: boolean;
  readonly tmpfsDirectIo: boolean;
  /** Whether open(2) refuses O_CREAT with O_DIRECTORY (fs/open.c, since 6.4). */
  readonly refusesToCreateDirectories: boolean;
  /** What lsmod shows, in bytes. */
  readonly moduleSize: number;
}

const linux519: Omit<KernelProfile, 'name'> = {
  release: '5.19.0',
  announces: 'table',
  unlinkTouchesDirectory: true,
  removesSubtrees: false,
  probeFailure: 'warning',
  efiVersion: 'two-digits',
  warnsOfOldEfi: true,
  e820: 'usable',
  showsSevStatus: false,
  securityfsHasFsid: false,
  statxAttributes: 0x203000,
  parsesAclFirst: false,
  leasesEverywhere: true,
  tmpfsUserXattrs: false,
  tmpfsDirectIo: false,
  refusesToCreateDirectories: false,
  moduleSize: 16384,
};

const linux612: Omit<KernelProfile, 'name'> = {
  ...linux519,
  release: '6.12.42',
  probeFailure: 'error',
  efiVersion: 'standard',
  warnsOfOldEfi: false,
  showsSevStatus: true,
  securityfsHasFsid: true,
  parsesAclFirst: true,
  tmpfsUserXattrs: true,
  tmpfsDirectIo: true,
  refusesToCreateDirectories: true,
  moduleSize: 12288,
};

const PROFILES: Readonly<Record<string, Omit<KernelProfile, 'name'>>> = {
  documented: { ...linux519, announces: 'header' },
  '5.19': linux519,
  '6.1': { ...linux519, release: '6.1.192', unlinkTouchesDirectory: false },
  '6.1.148': { ...linux519, release: '6.1.148' },
  '6.12': { ...linux612, release: '6.12.107', unlinkTouchesDirectory: false },
  '6.12.42': linux612,
  '7.3': {
    ...linux612,
    release: '7.3.4',
    unlinkTouchesDirectory: false,
    removesSubtrees: true,
    e820: 'System RAM',
    statxAttributes: 0x303000,
    leasesEverywhere: false,
  },
  debian: { ...linux519, release: '6.1.192', announces: 'nobody', unlinkTouchesDirectory: false },
};

/** Profiles that are no release as Linus or Greg made it. */
const SPECIAL: readonly string[] = ['documented', 'debian'];

/** Each profile by its name and, where it is a release, by that as well. */
const BY_NAME: ReadonlyMap<string, Omit<KernelProfile, 'name'>> = new Map(
  Object.entries(PROFILES).flatMap(([name, profile]) =>
    [name, ...(SPECIAL.includes(name) ? [] : [profile.release])].map((key) => [key, profile] as const),
  ),
);

/** Names that kernelProfile() takes. */
export const KERNEL_PROFILES: readonly string[] = [...BY_NAME.keys()];

/**
 * A bare series is its newest recorded release: 6.1 is 6.1.192, 6.12 is 6.12.107, 7.3 is 7.3.4. Those full versions
 * are accepted too. Throws RangeError with the list for any other name.
 */
export function kernelProfile(name: string): KernelProfile {
  const known = BY_NAME.get(name);
  if (known === undefined) {
    throw new RangeError(`there is no kernel '${name}'; expected one of ${KERNEL_PROFILES.join(', ')}`);
  }
  return { name, ...known };
}

/**
 * How the release behaves that a kernel calls itself (uname -r): as the first recorded one of its series that is not
 * older, or as the last. Throws RangeError for a series of which none is recorded.
 */
export function profileOfRelease(release: string): KernelProfile {
  const [series, patch] = seriesOf(release);
  const recorded = Object.entries(PROFILES)
    .filter(([name, profile]) => !SPECIAL.includes(name) && seriesOf(profile.release)[0] === series)
    .toSorted(([, a], [, b]) => seriesOf(a.release)[1] - seriesOf(b.release)[1]);
  const [name] =
    recorded.find(([, profile]) => seriesOf(profile.release)[1] >= patch) ?? recorded.at(-1) ?? [];
  if (name === undefined)
    throw new RangeError(
      `no kernel of the series of '${release}' is recorded; expected one of ${KERNEL_PROFILES.join(', ')}`,
    );
  return kernelProfile(name);
}

/** `6.1` and 192 of `6.1.192`, whatever stands behind. */
function seriesOf(release: string): [series: string, patch: number] {
  const [, series = '', patch = '0'] = /^(\d+\.\d+)(?:\.(\d+))?/.exec(release) ?? [];
  return [series, Number(patch)];
}
