import { journeyOf, type Place, tracedSecrets } from '@sevlab/story/journey';
import { useMemo } from 'preact/hooks';
import { Glyph } from '../glyph.tsx';
import { ACTOR_NAMES, partyOf } from '../player/lanes.ts';
import type { BytePanelProps } from './byte-panel.tsx';
import { historyOf } from './history-of.ts';

/** One byte of a secret, from the guest owner to the zero that is left of it. */
export function JourneyPanel({ trace, step, at, onPlace }: BytePanelProps) {
  const history = historyOf(trace);
  const secrets = useMemo(() => tracedSecrets(trace.events), [trace]);
  const [wantedGuid, wantedOffset] = at.panel === 'journey' ? (at.byte ?? '').split('+', 2) : [];
  const secret = secrets.find(({ guid }) => guid === wantedGuid) ?? secrets[0];
  const offset = Math.min(Number(wantedOffset ?? 0) || 0, (secret?.length ?? 1) - 1);
  const places = useMemo(
    () =>
      secret === undefined
        ? []
        : journeyOf(trace.events, trace.steps, { guid: secret.guid, offset }, history),
    [trace, history, secret?.guid, offset],
  );
  if (secret === undefined) return <p class="empty">No secret travels in this run.</p>;
  const go = (guid: string, byte: number, to = step.index) =>
    onPlace({ step: to, panel: 'journey', byte: `${guid}+${byte}` });
  return (
    <div class="journey">
      <p class="bar">
        <label>
          Secret{' '}
          <select value={secret.guid} onChange={({ currentTarget }) => go(currentTarget.value, 0)}>
            {secrets.map(({ guid, length }) => (
              <option key={guid} value={guid}>
                {guid}, {length} bytes
              </option>
            ))}
          </select>
        </label>
        <label>
          byte{' '}
          <input
            type="number"
            min="0"
            max={secret.length - 1}
            value={offset}
            onInput={({ currentTarget }) => {
              const byte = Number(currentTarget.value);
              if (Number.isInteger(byte) && byte >= 0 && byte < secret.length) go(secret.guid, byte);
            }}
          />
        </label>
      </p>
      <ol class="places">
        {places.map((place) => (
          <PlaceCard
            key={`${place.event} ${place.kind}`}
            place={place}
            shown={place.step <= step.index}
            current={place.step === step.index}
            onGo={() => go(secret.guid, offset, place.step)}
          />
        ))}
      </ol>
      {places.length === 0 && <p class="empty">This trace does not tell where that byte was.</p>}
    </div>
  );
}

interface PlaceCardProps {
  readonly place: Place;
  /** Whether the run has got there at the step that is shown. */
  readonly shown: boolean;
  readonly current: boolean;
  readonly onGo: () => void;
}

function PlaceCard({ place, shown, current, onGo }: PlaceCardProps) {
  const { title, sentence, byte, block, clear, noise, key } = place;
  const value = byte === undefined ? '??' : byte.toString(16).padStart(2, '0');
  return (
    <li class={`place ${shown ? '' : 'ahead'}`}>
      <button type="button" aria-current={current ? 'step' : undefined} onClick={onGo}>
        <span class="place-title">{title}</span>
        <span class={`big-byte ${natureOf(place)}`}>
          {place.kind === 'wiped' && byte === 0 ? '○' : value}
          <small>{character(place)}</small>
        </span>
        <span class="mono where">{whereOf(place)}</span>
        <span class="key">
          {key.kind === 'none' ? 'no key' : key.kind === 'VEK' ? `VEK of ASID ${key.asid ?? '?'}` : key.kind}
        </span>
      </button>
      <p>{sentence}</p>
      {block && (
        <p class="mono block cipher">
          {Array.from(block.bytes, (cell) => cell.toString(16).padStart(2, '0')).join(' ')}
        </p>
      )}
      <ReaderList title="in the clear" actors={clear} />
      <ReaderList title="noise" actors={noise} />
    </li>
  );
}

const ReaderList = ({ title, actors }: { title: string; actors: Place['clear'] }) =>
  actors.length === 0 ? null : (
    <p class="reader-list">
      {title}:{' '}
      {actors.map((actor) => (
        <span key={actor} class={`party-${partyOf(actor)}`} title={ACTOR_NAMES[actor]}>
          <Glyph party={partyOf(actor)} />
          <span class="sr-only">{ACTOR_NAMES[actor]}</span>
        </span>
      ))}
    </p>
  );

/** Ciphertext wherever the host could look at it. */
function natureOf({ kind, byte, key, block }: Place): string {
  if (byte === undefined) return 'unknown';
  if (kind === 'wiped') return 'wiped';
  if (kind === 'leak') return 'secret';
  return block !== undefined || key.kind === 'TEK' ? 'cipher' : 'secret';
}

function character({ byte, kind, key, block }: Place): string {
  if (byte === undefined || kind === 'wiped' || block !== undefined || key.kind === 'TEK') return '';
  return byte >= 0x20 && byte < 0x7f ? `“${String.fromCharCode(byte)}”` : '';
}

function whereOf({ gpa, spa, offset, path }: Place): string {
  if (path !== undefined) return `byte ${offset} of the file`;
  const places = [
    ...(gpa === undefined ? [] : [`GPA ${gpa}`]),
    ...(spa === undefined ? [] : [`sPA ${spa}`]),
    ...(offset === undefined || spa !== undefined ? [] : [`byte ${offset}`]),
  ];
  return places.join(', ');
}
