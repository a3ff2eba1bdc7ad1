import { gpa, type Spa, spa } from '@sevlab/codec/address';
import { concat } from '@sevlab/codec/bytes';
import type { Pipeline } from '../pipeline.ts';
import { badField, HttpProblem } from './http-problem.ts';

/** DRAM by its own address, or behind the guest's. */
export type Target = { readonly spa: string } | { readonly gpa: string };

/** Cells that are contiguous. */
interface Cells {
  readonly at: Spa;
  /** Bytes. */
  readonly length: number;
}

/** Where the bytes lie in DRAM, in order. Throws HttpProblem, which names `act`, where there is no guest memory. */
export function cellsOf(pipeline: Pipeline, act: string, target: Target, length: number): readonly Cells[] {
  if ('spa' in target) return [{ at: spa(BigInt(target.spa)), length }];
  const guest = guestOf(pipeline, act);
  const places = pipeline.actors.machine.host.locate(guest, gpa(BigInt(target.gpa)), length);
  return places.map(({ spa: at, length: size }) => {
    if (at !== undefined) return { at, length: size };
    throw badField(`${act}.gpa`, 'the guest has no memory there', {
      expected: 'addresses inside the guest’s RAM or its firmware image',
      got: target.gpa,
    });
  });
}

/** The guest that was launched last. Throws HttpProblem, which names `act`, when there is none. */
export function guestOf(pipeline: Pipeline, act: string): number {
  const { launching } = pipeline.progress;
  if (launching !== undefined) return launching.record.guest;
  throw new HttpProblem(409, {
    error: `${act}: there is no guest yet`,
    field: act,
    expected: 'a session that is at least launched',
    try: 'advance {"to":"launched"}',
  });
}

export const readCells = (pipeline: Pipeline, cells: readonly Cells[]): Uint8Array =>
  concat(...cells.map(({ at, length }) => pipeline.actors.machine.host.memory.read(at, length)));

/** Writes as many bytes as there are cells. */
export function writeCells(pipeline: Pipeline, cells: readonly Cells[], bytes: Uint8Array): object {
  let offset = 0;
  for (const { at, length } of cells) {
    pipeline.actors.machine.host.memory.write(at, bytes.subarray(offset, offset + length));
    offset += length;
  }
  return { written: offset };
}
