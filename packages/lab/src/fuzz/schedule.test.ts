import { expect, test } from 'vitest';
import type { Chunk } from './chunk.ts';
import { Schedule } from './schedule.ts';

const chunksOf = (doors: string): Chunk[] => [...doors].map((door, from) => ({ door, from, to: from + 1 }));

/** The doors that threads come to when they take turns as the numbers say. */
function doorsOf(doors: string, threads: number, turns: readonly number[]): string {
  const chunks = chunksOf(doors);
  const schedule = new Schedule(chunks, threads);
  return turns
    .map((thread) => schedule.next(thread))
    .map((place) => (place === undefined ? '-' : chunks[place]!.door))
    .join('');
}

test('one thread does all in the order of the plan', () => {
  expect(doorsOf('aabbc', 1, [0, 0, 0, 0, 0, 0])).toBe('aabbc-');
});

test('a thread stays at its door, and goes to one where nobody is', () => {
  expect(doorsOf('aaabbccc', 2, [0, 1, 0, 1, 1, 0, 0, 1])).toBe('abab' + 'cacc');
});

test('when somebody is everywhere, it helps where fewest are', () => {
  expect(doorsOf('aaabbb', 3, [0, 1, 2, 2, 2])).toBe('abaab');
});

test('nobody goes further ahead than four doors', () => {
  expect(doorsOf('aabcdefg', 2, [0, 1, 1, 1, 1, 1, 1, 1])).toBe('abcdeafg');
});

test.each([1, 2, 3, 8])('%i threads do every chunk once', (threads) => {
  const chunks = chunksOf('aaaabbbbbbcddddeeefffffghhh');
  const schedule = new Schedule(chunks, threads);
  const places = Array.from({ length: chunks.length }, (_, turn) => schedule.next((turn * turn) % threads));
  expect(places.toSorted((a, b) => a! - b!)).toEqual(chunks.map((_, place) => place));
  for (let thread = 0; thread < threads; thread++) expect(schedule.next(thread)).toBeUndefined();
});
