import { gpa, hexAddress } from '@sevlab/codec/address';
import { EncryptedFile } from '@sevlab/codec/encrypted-file';
import { SEV_SECRET_BLOCK_GUID } from '@sevlab/codec/guid';
import { findArea, readGuidedTable } from '@sevlab/codec/ovmf/guided-table';
import { PLAINTEXT_ADDRESS } from '@sevlab/guest-kernel-sim/apps/decrypt-file';
import type { Pipeline } from './pipeline.ts';

/** Bytes shown of each place. */
const SHOWN = 16;

/** One place, as two actors read it. */
export interface BothViews {
  readonly place: string;
  readonly host: Uint8Array;
  /** Absent for a place that is no guest memory. */
  readonly guest?: Uint8Array;
}

/** The places of a running guest that matter: the secret area, what an application decrypted, and the disk. */
export function bothViews(watched: Pipeline): BothViews[] {
  const pipeline = watched.fork(); // looking is no part of the run
  const { running } = pipeline.progress;
  if (running === undefined) return [];
  const { host } = pipeline.actors.machine;
  const memory = (place: string, address: bigint): BothViews => {
    const at = gpa(address);
    const [cells] = host.locate(running.record.guest, at, SHOWN);
    return {
      place: `${place}, GPA ${hexAddress(address)}`,
      host: host.memory.read(cells!.spa!, SHOWN), // both addresses lie in the guest's RAM
      guest: running.resume((context) => context.memory.readPrivate(at, SHOWN)),
    };
  };
  const area = findArea(readGuidedTable(running.record.image), SEV_SECRET_BLOCK_GUID);
  const disk = host.disk(running.record.guest);
  return [
    ...(area ? [memory('the secret area', BigInt(area.base))] : []),
    ...(disk
      ? [
          memory('the file that was decrypted', PLAINTEXT_ADDRESS),
          {
            place: 'the same file on the disk',
            host: disk.slice(EncryptedFile.size, EncryptedFile.size + SHOWN),
          },
        ]
      : []),
  ];
}
