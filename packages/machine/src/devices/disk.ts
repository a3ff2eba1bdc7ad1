import type { Gpa } from '@sevlab/codec/address';

/** Bytes. */
export const SECTOR_SIZE = 512;

/** What a driver asks of the disk. The buffer must be shared memory: the device has no key. */
export interface DiskRequest {
  readonly operation: 'read' | 'write';
  readonly sector: number;
  readonly sectors: number;
  readonly buffer: Gpa;
}

/** virtio's answer: 0 done, 1 error. */
export type DiskStatus = 'OK' | 'IOERR';

/** The block device as the guest's driver sees it. The host owns the image behind it. */
export interface Disk {
  readonly sectors: number;
  submit(request: DiskRequest): DiskStatus;
}
