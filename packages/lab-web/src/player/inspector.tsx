import type { Actor } from '@sevlab/codec/trace';
import { type AnyEvent, ofType } from '@sevlab/story/event';
import { readersOf } from '@sevlab/story/readers';
import type { Step } from '@sevlab/story/steps';
import { Clause } from '../clause.tsx';
import { Glyph } from '../glyph.tsx';
import { eventsOf, type LoadedTrace } from '../loaded-trace.ts';
import { ACTOR_NAMES, type Party, partyOf } from './lanes.ts';

interface InspectorProps {
  readonly trace: LoadedTrace;
  readonly step: Step;
}

/** What the step is, which check decided, and who can read what passed. */
export function Inspector({ trace, step }: InspectorProps) {
  const events = eventsOf(trace, step);
  return (
    <section class="inspector" aria-label="The step explained" tabIndex={0}>
      <p class={`who party-${partyOf(step.actor)}`}>
        <Glyph party={partyOf(step.actor)} /> {ACTOR_NAMES[step.actor]}
        {step.to !== step.actor && (
          <>
            {' → '}
            <span class={`party-${partyOf(step.to)}`}>
              <Glyph party={partyOf(step.to)} /> {ACTOR_NAMES[step.to]}
            </span>
          </>
        )}
      </p>
      <h2>{step.title}</h2>
      <p>{step.sentence}</p>
      {step.clause && (
        <p>
          <Clause clause={step.clause} />
        </p>
      )}
      <Checks checks={ofType(events, 'precondition')} />
      <Answer status={ofType(events, 'status').at(-1)} />
      <h3>Who can read it</h3>
      <ReadersTable events={events} />
      <dl class="sees">
        <dt>{ACTOR_NAMES[step.actor]} sees</dt>
        <dd>{step.sees}</dd>
        <dt>and cannot see</dt>
        <dd>{step.cannotSee}</dd>
      </dl>
    </section>
  );
}

interface Check {
  readonly condition: string;
  readonly held: boolean;
  readonly status: string;
}

function Checks({ checks }: { readonly checks: readonly Check[] }) {
  if (checks.length === 0) return null;
  return (
    <>
      <h3>Checks, in the order in which the firmware makes them</h3>
      <ol class="checks">
        {checks.map(({ condition, held, status }) => (
          <li key={condition} class={held ? 'held' : 'decided'}>
            <span aria-hidden="true">{held ? '✔' : '✘'}</span>{' '}
            <span class="sr-only">{held ? 'holds:' : 'does not hold:'}</span>
            {condition}
            {!held && <code> → {status}</code>}
          </li>
        ))}
      </ol>
    </>
  );
}

function Answer({ status }: { readonly status: { status: string; code: number } | undefined }) {
  if (status === undefined) return null;
  return (
    <p class={`answer ${status.code === 0 ? 'success' : 'failure'}`}>
      Answer <code>{status.status}</code> <code>0x{status.code.toString(16).padStart(4, '0')}</code>
    </p>
  );
}

const PARTIES: readonly {
  readonly party: Party;
  readonly title: string;
  readonly actors: readonly Actor[];
}[] = [
  { party: 'owner', title: 'Owner', actors: ['guest-owner'] },
  { party: 'host', title: 'Host', actors: ['host', 'disk'] },
  { party: 'amd-sp', title: 'AMD-SP', actors: ['amd-sp'] },
  { party: 'guest', title: 'Guest', actors: ['firmware', 'kernel', 'user'] },
];

/** Who reads the bytes that everybody may see, and who the closed ones: over all events of the step. */
function ReadersTable({ events }: { readonly events: readonly AnyEvent[] }) {
  const all = events.map(readersOf);
  const open = new Set(all.flatMap((readers) => readers.open));
  const closed = new Set(all.flatMap((readers) => readers.closed));
  const reason = all.find((readers) => readers.closed.length > 0)?.closedReason;
  return (
    <>
      <table class="readers">
        <thead>
          <tr>
            <td />
            {PARTIES.map(({ party, title }) => (
              <th key={party} scope="col" class={`party-${party}`}>
                <Glyph party={party} /> {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <ReadersRow title="bytes on the outside" readers={open} />
          <ReadersRow title="in the clear" readers={closed} />
        </tbody>
      </table>
      {reason && <p class="reason">{reason}</p>}
    </>
  );
}

const ReadersRow = ({ title, readers }: { readonly title: string; readonly readers: ReadonlySet<Actor> }) => (
  <tr>
    <th scope="row">{title}</th>
    {readers.size === 0 ? (
      <td colSpan={PARTIES.length} class="none">
        none
      </td>
    ) : (
      PARTIES.map(({ party, actors }) => (
        <td key={party} class={actors.some((actor) => readers.has(actor)) ? `reads party-${party}` : 'blind'}>
          {actors.some((actor) => readers.has(actor)) ? 'reads' : '—'}
        </td>
      ))
    )}
  </tr>
);
