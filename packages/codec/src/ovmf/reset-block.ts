import { SEV_ES_RESET_BLOCK_GUID } from '../guid.ts';
import { at, struct, u32le, type ValueOf } from '../layout.ts';
import { findEntry, GuidedEntryTail, readGuidedTable, TABLE_END_FROM_IMAGE_END } from './guided-table.ts';

/** The data of the SEV-ES reset block. 4 bytes. */
export const ResetBlock = struct(
  'OVMF SEV-ES reset block',
  'edk2 OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.nasm.inc: sevEsResetBlockStart',
  { address: at(0x00, u32le, 'Bits 15:0 are the IP, bits 31:16 the CS base, of application processors.') },
);
export type ResetBlock = ValueOf<typeof ResetBlock>;

/**
 * Where an image wants the application processors of an SEV-ES guest to start, or why it does not say. Zero is an
 * answer too. VERSION: edk2 202008 and 202011 have no table; there the block stands alone in its place, and QEMU looks
 * there when the table has none (target/i386/sev.c, sev_es_find_reset_vector).
 */
export function findResetBlock(image: Uint8Array): ResetBlock | { readonly fault: string } {
  const table = readGuidedTable(image);
  const data = findEntry(table, SEV_ES_RESET_BLOCK_GUID)?.data ?? blockWithoutTable(image);
  if (data === undefined) {
    if (table.kind === 'none') return { fault: `no table: ${table.reason}` };
    return { fault: `a table without one${table.damaged ? `: ${table.damaged}` : ''}` };
  }
  if (data.length !== ResetBlock.size) return { fault: `one of ${data.length} bytes instead of 4` };
  return ResetBlock.decode(data);
}

/** The data of the block where the footer of a table would be. */
function blockWithoutTable(image: Uint8Array): Uint8Array | undefined {
  const end = image.length - TABLE_END_FROM_IMAGE_END - GuidedEntryTail.size;
  if (end < ResetBlock.size) return undefined;
  const { guid, len } = GuidedEntryTail.decodeAt(image, end);
  if (guid !== SEV_ES_RESET_BLOCK_GUID) return undefined;
  return image.slice(Math.max(end - (len - GuidedEntryTail.size), 0), end);
}
