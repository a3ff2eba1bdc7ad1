import { expect, test } from 'vitest';
import capture from '../../test/vectors/efi/amdsev-202608-512M.json' with { type: 'json' };
import { fromHex, toHex } from '../bytes.ts';
import { EFI64_LOADER_SIGNATURE, EfiInfo } from './boot-params.ts';

test('the efi_info of a real boot_params', () => {
  const info = EfiInfo.decode(fromHex(capture.efi_info_hex));
  expect(info).toEqual({
    efiLoaderSignature: EFI64_LOADER_SIGNATURE,
    efiSystab: 0x1f5ee018,
    efiMemdescSize: 48,
    efiMemdescVersion: 1,
    efiMemmap: 0x1f771040,
    efiMemmapSize: 94 * 48,
    efiSystabHi: 0,
    efiMemmapHi: 0,
  });
  expect(toHex(EfiInfo.encode(info))).toBe(capture.efi_info_hex);
  expect(capture.memmap).toHaveLength(94);
});
