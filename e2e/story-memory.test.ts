import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gpa, spa } from '@sevlab/codec/address';
import { equal } from '@sevlab/codec/bytes';
import type { Pipeline } from '@sevlab/lab/pipeline';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { type AnyEvent, bytesOf } from '@sevlab/story/event';
import { journeyOf, type Place, tracedSecrets } from '@sevlab/story/journey';
import { MemoryHistory } from '@sevlab/story/memory-history';
import { type Step, stepsOf } from '@sevlab/story/steps';
import { threeViews } from '@sevlab/story/three-views';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../packages/lab/scenarios', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .sort();

function run(name: string): {
  pipeline: Pipeline;
  events: readonly AnyEvent[];
  secrets: ReadonlyMap<string, Uint8Array>;
} {
  const file = `${folder}/${name}`;
  const { scenario } = loadScenario(file);
  const { setup, secrets } = setupOf(scenario, file, { record: true });
  const { pipeline } = runScenario(scenario, file, setup, secrets);
  return {
    pipeline,
    events: pipeline.observer.events,
    secrets: new Map(secrets.map(({ guid, data }) => [guid, data])),
  };
}

describe.each(files)('%s', (name) => {
  const { pipeline, events, secrets } = run(name);
  const history = new MemoryHistory(events);
  const steps = stepsOf(events);

  it('leaves the DRAM that its trace tells of', () => {
    const touched = [...pipeline.actors.machine.host.memory.touchedPages()];
    for (const { spa: page, cells } of touched) {
      const told = history.cells(events.length, page, cells.length);
      expect(told.known.every((known, i) => known === 0 || told.bytes[i] === cells[i])).toBe(true);
    }
    const pages = new Set(touched.map(({ spa: page }) => page));
    const zeros = history.writtenPages(events.length).filter((page) => !pages.has(page));
    for (const page of zeros)
      expect(history.cells(events.length, page, 4096).bytes.some(Boolean)).toBe(false);
  });

  it('leaves the guest the plaintext that its trace tells of', () => {
    const { running } = pipeline.progress;
    if (running === undefined) return; // a launch that was never finished has no guest to ask
    const [asid] = history.asids;
    const looked = pipeline.fork().progress.running!; // looking is no part of the run
    for (const page of history.writtenPages(events.length, { privately: true })) {
      const address = history.gpaOf(events.length, asid!, page);
      if (address === undefined) continue;
      const told = threeViews(history, events.length, { gpa: address }, 4096);
      const actual = looked.resume(({ memory }) =>
        told.pieces[0]!.shared ? memory.readShared(address, 4096) : memory.readPrivate(address, 4096),
      );
      expect(told.guest.known.every((known, i) => known === 0 || told.guest.bytes[i] === actual[i])).toBe(
        true,
      );
    }
  });

  it('lets each byte of a secret be followed, and each place holds what the trace has there', () => {
    for (const { guid, length } of tracedSecrets(events)) {
      for (const offset of new Set([0, 1, length >> 1, length - 1])) {
        if (offset < 0) continue;
        const places = journeyOf(events, steps, { guid, offset }, history);
        expect(places.map(({ event }) => event)).toEqual(
          places.map(({ event }) => event).sort((a, b) => a - b),
        );
        for (const place of places) checkPlace(place, { events, steps, secret: secrets.get(guid), offset });
      }
    }
  });
});

interface Told {
  readonly events: readonly AnyEvent[];
  readonly steps: readonly Step[];
  readonly secret: Uint8Array | undefined;
  readonly offset: number;
}

function checkPlace(place: Place, { events, steps, secret, offset }: Told): void {
  const event = events[place.event]!;
  const step = steps[place.step]!;
  expect(step.first <= place.event && place.event <= step.last && place.seq === event.seq).toBe(true);
  expect(place.clear.includes('host')).toBe(place.kind === 'leak');
  expect(place.clear.filter((actor) => place.noise.includes(actor))).toEqual([]);
  if (place.block !== undefined) {
    const cells = cellsAfter(events, place.event, BigInt(place.block.spa), 16);
    expect(equal(place.block.bytes, cells)).toBe(true);
    expect(place.byte).toBe(cells[Number(BigInt(place.spa!) - BigInt(place.block.spa))]);
  }
  switch (place.kind) {
    case 'owner':
      expect(place.byte).toBe(secret?.[offset]);
      break;
    case 'table':
      expect(place.byte).toBe(bytesOf(event.closed, 'plaintext')?.[place.offset!]);
      break;
    case 'packet':
      expect(place.byte).toBe(bytesOf(event.open, 'data')?.[place.offset!]);
      break;
    case 'host-buffer':
    case 'leak':
      expect(place.byte).toBe(cellsAfter(events, place.event, BigInt(place.spa!), 1)[0]);
      break;
    case 'file':
      expect(bytesOf(event.closed, 'data')).toContain(place.byte);
      break;
    case 'wiped':
      expect(place.byte).toBe(0);
      break;
    case 'guest-memory':
      expect(event).toMatchObject({ type: 'access', view: 'private', operation: 'read' });
      expect(bytesOf(event.closed, 'plain')).toContain(place.byte);
      break;
  }
}

/** The slow and plain way: every cell that was written up to an event, last writer last. */
function cellsAfter(events: readonly AnyEvent[], at: number, from: bigint, length: number): Uint8Array {
  const found = new Uint8Array(length);
  for (const event of events.slice(0, at + 1)) {
    const cells =
      event.type === 'access' && event.operation === 'write' ? bytesOf(event.open, 'cells') : undefined;
    if (cells === undefined || event.type !== 'access') continue;
    let offset = 0;
    for (const segment of event.segments) {
      const start = Number(BigInt(segment.spa) - from);
      for (let i = Math.max(0, -start); i < segment.length && start + i < length; i++)
        found[start + i] = cells[offset + i]!;
      offset += segment.length;
    }
  }
  return found;
}

it('the example of the kernel documentation: nine places, in the order of the pipeline', () => {
  const { events } = run('kernel-documentation.yaml');
  const byte = { guid: 'e6f5a162-d67f-4750-a67c-5d065f2a9910', offset: 0 };
  const places = journeyOf(events, stepsOf(events), byte);
  expect(places.map(({ kind }) => kind)).toEqual([
    ...['owner', 'table', 'packet', 'host-buffer', 'dram', 'guest-memory', 'file', 'wiped', 'wiped-dram'],
  ]);
  expect(places.map(({ key }) => key.kind)).toEqual([
    ...['none', 'none', 'TEK', 'TEK', 'VEK', 'VEK', 'VEK', 'VEK', 'VEK'],
  ]);
  const clear = places.filter(({ byte: value }) => value === 't'.charCodeAt(0)).map(({ kind }) => kind);
  expect(clear).toEqual(['owner', 'table', 'guest-memory', 'file']);
});

it.each([
  ['attacks/a10-replayed-ciphertext', ['host-copy', 'wiped', 'wiped-dram', 'restored']],
  ['attacks/a12-debugger', ['leak']],
  ['attacks/a14-shared-key', ['other-guest']],
  ['attacks/a05-packet-again', ['host-buffer', 'dram']],
  ['faults/firmware-overwrites-the-secret', ['host-copy', 're-encrypted', 'host-copy']],
  ['lessons/mac-forged', ['host-buffer', 'dram']],
] as const)('%s: what comes of a byte behind the honest way', (name, kinds) => {
  const { events } = run(`${name}.yaml`);
  const byte = { guid: '736869e5-84f0-4973-92ec-06879ce3da0b', offset: 2 };
  const all = journeyOf(events, stepsOf(events), byte).map(({ kind }) => kind);
  expect(all.slice(-kinds.length)).toEqual(kinds);
});

it('lessons/ciphertext-moved: a block that was written over reads as something else', () => {
  const { events, secrets } = run('lessons/ciphertext-moved.yaml');
  const guid = '736869e5-84f0-4973-92ec-06879ce3da0b';
  const places = (offset: number) => journeyOf(events, stepsOf(events), { guid, offset });
  expect(places(25).map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['dram', 'overwritten', 'guest-memory', 'file']),
  );
  const read = Uint8Array.from({ length: 40 }, (_, offset) => places(offset).at(-1)!.byte!);
  expect(equal(read.subarray(0, 24), secrets.get(guid)!.subarray(0, 24))).toBe(true);
  expect(equal(read.subarray(24), secrets.get(guid)!.subarray(24))).toBe(false);
});

it('without closed bytes the places are the same from the packet on, and plaintext is unknown', () => {
  const { events } = run('kernel-documentation.yaml');
  const closed = events.map(({ closed: bytes, ...event }) => ({
    ...event,
    ...(bytes && {
      closed: Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, lengthOf(value)])),
    }),
  })) as AnyEvent[]; // the same events, as a file without --reveal has them
  const byte = { guid: 'e6f5a162-d67f-4750-a67c-5d065f2a9910', offset: 0 };
  const open = journeyOf(events, stepsOf(events), byte).slice(2);
  const places = journeyOf(closed, stepsOf(closed), byte);
  const where = ({ kind, event, spa: cells, gpa: guest, block }: Place) => ({
    kind,
    event,
    cells,
    guest,
    block,
  });
  expect(places.map(where)).toEqual(open.map(where));
  const known = places.filter(({ byte: value }) => value !== undefined).map(({ kind }) => kind);
  expect(known).toEqual(['packet', 'host-buffer', 'dram', 'wiped-dram']);
});

const lengthOf = (value: unknown): { length: number } => ({
  length: value instanceof Uint8Array ? value.length : 0,
});

it('the page that the disk fills is shared: host, guest and device see the same', () => {
  const { events } = run('kernel-documentation.yaml');
  const history = new MemoryHistory(events);
  const { pieces, host, guest, device, differs } = threeViews(
    history,
    events.length,
    { gpa: gpa(0x2000000n) },
    512,
  );
  expect(pieces).toEqual([{ offset: 0, length: 512, gpa: 0x2000000n, spa: spa(0x102000000n), shared: true }]);
  expect(guest).toEqual(host);
  expect(device).toEqual(host);
  expect(differs.some(Boolean)).toBe(false);
});
