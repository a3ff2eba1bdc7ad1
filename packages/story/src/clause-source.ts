/**
 * Where the document of a clause can be read; undefined for one that is not published under an address that lasts. A clause is
 * cited by document and title, or by file and symbol (SPECS.md, Documents).
 */
export function sourceOf(clause: string): string | undefined {
  const document = DOCUMENTS.find(({ cited }) => cited.test(clause));
  if (document !== undefined) return document.address;
  for (const { cited, address } of REPOSITORIES) {
    const path = cited.exec(clause)?.[1];
    if (path !== undefined) return `${address}${path}`;
  }
  return undefined;
}

const DOCUMENTS: readonly { readonly cited: RegExp; readonly address: string }[] = [
  {
    cited: /^55766\b/,
    address:
      'https://www.amd.com/content/dam/amd/en/documents/epyc-technical-docs/programmer-references/55766_SEV-KM_API_Specification.pdf',
  },
  { cited: /^APM volume 2\b/, address: 'https://www.amd.com/system/files/TechDocs/24593.pdf' },
  { cited: /^UEFI specification\b/i, address: 'https://uefi.org/specs/UEFI/2.10/' },
  { cited: /^ACPI\b/, address: 'https://uefi.org/acpi/specs' },
  { cited: /\bDSP0134\b|^SMBIOS\b/, address: 'https://www.dmtf.org/standards/smbios' },
];

/** Files, by what a clause calls their project or by the folder that they lie in; at a release that SPECS.md names. */
const REPOSITORIES: readonly { readonly cited: RegExp; readonly address: string }[] = [
  {
    cited: /\b((?:OvmfPkg|MdePkg|MdeModulePkg)\/[\w./-]*\w)/,
    address: 'https://github.com/tianocore/edk2/tree/edk2-stable202405/',
  },
  { cited: /^QEMU,? ([\w-]+\/[\w./-]*\w)/, address: 'https://gitlab.com/qemu-project/qemu/-/tree/v7.2.0/' },
  {
    cited: /^(?:Linux,? )?((?:Documentation|arch|drivers|include|security)\/[\w./-]*\w)/,
    address: 'https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/',
  },
];
