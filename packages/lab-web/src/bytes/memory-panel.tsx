import { gpa, hexAddress, spa } from '@sevlab/codec/address';
import type { Step } from '@sevlab/story/steps';
import { type MemoryPlace, type ThreeViews, threeViews } from '@sevlab/story/three-views';
import { useMemo, useState } from 'preact/hooks';
import { Glyph } from '../glyph.tsx';
import type { LoadedTrace } from '../loaded-trace.ts';
import type { BytePanelProps } from './byte-panel.tsx';
import { HexView } from './hex-view.tsx';
import { historyOf } from './history-of.ts';
import type { Nature } from './nature.ts';

/** Bytes that one view of memory shows. */
const WINDOW = 256;

const EYES = [
  { id: 'host', title: 'The host reads', party: 'host' },
  { id: 'guest', title: 'The guest reads', party: 'guest' },
  { id: 'device', title: 'A device reads', party: 'host' },
] as const;

type Eyes = (typeof EYES)[number]['id'];

/** The same memory as host, guest and a device see it. */
export function MemoryPanel({ trace, step, at, onPlace }: BytePanelProps) {
  const history = historyOf(trace);
  const suggestions = useMemo(() => placesOf(trace, step), [trace, step]);
  const asked = at.panel === 'memory' ? at.byte : undefined;
  const [text, offset] = (asked ?? suggestions[0]?.address ?? '0x810000').split('+', 2);
  const place = readPlace(text ?? '');
  const [shown, setShown] = useState<ReadonlySet<Eyes>>(new Set(['host', 'guest']));
  const views = useMemo(
    () => (place === undefined ? undefined : threeViews(history, step.last + 1, place, WINDOW)),
    [history, step, text],
  );
  const chosen = offset === undefined ? undefined : Number(offset);
  const go = (byte: string) => onPlace({ step: step.index, panel: 'memory', byte });
  const start = place === undefined ? 0n : 'gpa' in place ? place.gpa : place.spa;
  const jump = (by: bigint) => go(`${place !== undefined && 'spa' in place ? 'spa:' : ''}${hex(start + by)}`);
  return (
    <div class="memory-panel">
      <p class="bar">
        <label>
          Address{' '}
          <input
            class="mono"
            size={16}
            value={text}
            aria-invalid={place === undefined}
            aria-describedby="address-hint"
            onChange={({ currentTarget }) => go(currentTarget.value.trim())}
          />
        </label>
        <span id="address-hint" class="sr-only">
          Guest-physical, or spa: and system-physical
        </span>
        <button
          type="button"
          class="quiet"
          disabled={start < BigInt(WINDOW)}
          onClick={() => jump(-BigInt(WINDOW))}
        >
          −{WINDOW}
        </button>
        <button type="button" class="quiet" onClick={() => jump(BigInt(WINDOW))}>
          +{WINDOW}
        </button>
        {suggestions.map(({ title, address }) => (
          <button
            key={title}
            type="button"
            class="quiet"
            aria-pressed={address === text}
            onClick={() => go(address)}
          >
            {title}
          </button>
        ))}
        <span class="eyes-choice" role="group" aria-label="Whose eyes">
          {EYES.map(({ id, title }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={shown.has(id)}
                onChange={() => setShown((before) => toggled(before, id))}
              />{' '}
              {title}
            </label>
          ))}
        </span>
      </p>
      {views === undefined ? (
        <p class="notice" role="alert">
          No address: {text}; expected 0x and hexadecimal digits, behind <code>spa:</code> for system-physical
          ones.
        </p>
      ) : (
        <>
          <p class="clause">{whereabouts(views)}</p>
          <div class="eyes">
            {EYES.filter(({ id }) => shown.has(id)).map(({ id, title, party }) => (
              <section key={id} class={`eye party-${party}`} aria-label={title}>
                <h3>
                  <Glyph party={party} /> {title}
                </h3>
                <HexView
                  label={`${title} at ${text}`}
                  bytes={views[id].bytes}
                  base={start}
                  natureOf={natureFor(id, views)}
                  differs={(i) => views.differs[i] === 1}
                  chosen={chosen}
                  onChoose={(i) => go(`${text}+${i}`)}
                  readings={id === 'guest'}
                />
              </section>
            ))}
          </div>
        </>
      )}
    </div>
  );
}

function toggled(before: ReadonlySet<Eyes>, id: Eyes): ReadonlySet<Eyes> {
  const after = new Set(before);
  if (!after.delete(id)) after.add(id);
  return after.size === 0 ? before : after;
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;

/** `0x810000` is the guest's, `spa:0x100810000` one of DRAM. */
function readPlace(text: string): MemoryPlace | undefined {
  const [, kind, digits] = /^(spa:|gpa:)?(0x[0-9a-f]{1,13})$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return kind === 'spa:' ? { spa: spa(BigInt(digits)) } : { gpa: gpa(BigInt(digits)) };
}

/** Addresses that are worth a look at this step. */
function placesOf(trace: LoadedTrace, step: Step): { title: string; address: string }[] {
  const found: { title: string; address: string }[] = [];
  for (const event of trace.events) {
    if (event.type !== 'handover' || event.secretArea === undefined) continue;
    found.push({ title: 'Secret area', address: event.secretArea.base });
    break;
  }
  const [touch] = [...(step.writes ?? []), ...(step.reads ?? [])].filter(({ view }) => view === 'private');
  if (touch?.gpa !== undefined) found.push({ title: 'This step', address: touch.gpa });
  else if (touch?.segments[0] !== undefined)
    found.push({ title: 'This step', address: `spa:${touch.segments[0].spa}` });
  return found;
}

/** To host and device everything private is noise; to the guest it is plaintext. */
function natureFor(eyes: Eyes, views: ThreeViews): (offset: number) => Nature {
  const seen = views[eyes];
  return (i) => {
    if (seen.known[i] !== 1) return 'unknown';
    if (views.pieces.some(({ offset, length, shared }) => shared && i >= offset && i < offset + length))
      return 'plain';
    const isPrivate = views.guest.known[i] === 1;
    if (eyes === 'guest') return 'secret';
    return isPrivate || views.differs[i] === 1 ? 'cipher' : 'plain';
  };
}

function whereabouts({ pieces }: ThreeViews): string {
  const [piece] = pieces;
  if (piece?.gpa === undefined && piece?.spa === undefined)
    return 'No event of this run tells what lies here.';
  const places = [
    ...(piece.gpa === undefined ? [] : [`GPA ${hexAddress(piece.gpa)}`]),
    ...(piece.spa === undefined ? ['not in DRAM yet'] : [`sPA ${hexAddress(piece.spa)}`]),
  ];
  return `${places.join(' at ')}, ${piece.shared ? 'shared: everybody reads the same' : 'private once the guest or the AMD-SP wrote it under the key'}.`;
}
