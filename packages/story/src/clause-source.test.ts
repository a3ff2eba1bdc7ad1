import { STRUCTURES } from '@sevlab/codec/structures';
import { expect, test } from 'vitest';
import { sourceOf } from './clause-source.ts';
import { STAGES } from './stages.ts';

test.each([
  ['55766, LAUNCH_SECRET', /55766_SEV-KM_API_Specification\.pdf$/],
  ['APM volume 2, Secure Encrypted Virtualization', /24593\.pdf$/],
  ['UEFI specification, EFI System Table', /^https:\/\/uefi\.org\/specs\/UEFI\/2\.10\/$/],
  [
    'drivers/virt/coco/efi_secret/efi_secret.c, efi_secret_probe()',
    /linux\.git\/tree\/drivers\/virt\/coco\/efi_secret\/efi_secret\.c$/,
  ],
  ['Linux, Documentation/virt/kvm/x86/amd-memory-encryption.rst', /tree\/Documentation\/.*\.rst$/],
  ['edk2 OvmfPkg/AmdSev, SecretPei and SecretDxe', /edk2-stable202405\/OvmfPkg\/AmdSev$/],
  [
    'QEMU, target/i386/sev.c; OvmfPkg/AmdSev, BlobVerifierLibSevHashes',
    /edk2-stable202405\/OvmfPkg\/AmdSev$/,
  ],
  ['QEMU target/i386/sev.c: SevHashTable', /qemu\/-\/tree\/v7\.2\.0\/target\/i386\/sev\.c$/],
])('%s', (clause, address) => {
  expect(sourceOf(clause)).toMatch(address);
});

/** A format of sevlab itself, which no document of others describes. */
const isOurs = (clause: string): boolean => clause.startsWith('sevlab: ');

test('the document of every structure and every stage can be read', () => {
  const clauses = [
    ...Object.entries(STRUCTURES).map(([name, { spec }]) => [name, spec] as const),
    ...STAGES.map(({ id, clause }) => [id, clause] as const),
  ];
  const unread = clauses.filter(([, clause]) => !isOurs(clause) && sourceOf(clause) === undefined);
  expect(unread).toEqual([]);
});

test('what is none leads nowhere', () => {
  expect(sourceOf('our reading')).toBeUndefined();
});
