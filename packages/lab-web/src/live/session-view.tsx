import { useState } from 'preact/hooks';
import { ApiError, post, remove } from '../api.ts';
import { Player } from '../player/player.tsx';
import type { PlayerPlace } from '../route.ts';
import { HostConsole } from './host-console.tsx';
import { reached, type SessionDescription, STATES } from './session.ts';
import { TerminalPanel } from './terminal-panel.tsx';
import { type LiveSession, useSession } from './use-session.ts';

interface LiveSessionViewProps {
  readonly id: string;
  readonly onEnd: () => void;
}

/** One live session: its controls, its trace as it grows, the guest's terminal and the host's console. */
export function LiveSessionView({ id, onEnd }: LiveSessionViewProps) {
  const session = useSession(id);
  const { trace, terminal, description, connection } = session;
  const [at, setAt] = useState<PlayerPlace>();
  const controls = <Controls id={id} session={session} onEnd={onEnd} />;
  const last = (trace?.steps.length ?? 1) - 1;
  // whoever went back to an earlier step stays there; everybody else follows the run
  const place = at === undefined || at.step >= last ? { ...at, step: last } : at;
  const extraTabs = [
    {
      id: 'terminal',
      title: 'Terminal',
      content: () => <TerminalPanel id={id} output={terminal} running={description?.terminal ?? false} />,
    },
    {
      id: 'host',
      title: 'Host console',
      content: () => <HostConsole id={id} secretArea={description?.secretArea?.gpa} />,
    },
  ];
  return (
    <>
      <ConnectionNotice session={session} onEnd={onEnd} />
      {trace === undefined ? (
        <div class="reading">
          {connection === 'connecting' ? <p aria-busy="true">Connecting…</p> : controls}
        </div>
      ) : (
        <Player
          trace={trace}
          at={place}
          onPlace={(next) => setAt(next.step >= last ? { ...next, step: Number.POSITIVE_INFINITY } : next)}
          extraTabs={extraTabs}
        >
          {controls}
        </Player>
      )}
    </>
  );
}

function Controls({
  id,
  session: { description },
  onEnd,
}: {
  id: string;
  session: LiveSession;
  onEnd: () => void;
}) {
  const [failure, setFailure] = useState('');
  if (description === undefined) return <p aria-busy="true">…</p>;
  const attempt = (act: () => Promise<unknown>) => {
    setFailure('');
    act().catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      setFailure(error.message);
    });
  };
  const advance = (to: string) => attempt(() => post(`sessions/${id}/advance`, { to }));
  const done = reached(description.state);
  return (
    <article class="lesson live-controls">
      <h2>Live session</h2>
      <Facts description={description} />
      <ol class="states">
        {STATES.map(({ state, title, what }, i) => (
          <li key={state} class={i < done ? 'done' : ''}>
            <button
              type="button"
              class={i === done ? 'primary' : ''}
              disabled={i < done}
              title={i > done ? `Everything up to here` : what}
              onClick={() => advance(state)}
            >
              {i < done && '✔ '}
              {title}
            </button>
            <small>{what}</small>
          </li>
        ))}
      </ol>
      <div role="status">
        {description.refusal && (
          <p class="notice">
            {description.refusal.step}: refused by {description.refusal.by}
            {description.refusal.status && (
              <>
                {' '}
                with <code>{description.refusal.status}</code>
              </>
            )}
            . {description.refusal.reason}
          </p>
        )}
        {failure && <p class="notice">{failure}</p>}
      </div>
      <p class="onward">
        <a class="button" href={`api/sessions/${id}/trace`} download="session.trace.jsonl">
          Save trace
        </a>
        <button type="button" onClick={() => attempt(() => remove(`sessions/${id}`).then(onEnd))}>
          End session
        </button>
      </p>
    </article>
  );
}

const Facts = ({
  description: { part, profile, policy, linux, firmware, secrets, secretArea },
}: {
  description: SessionDescription;
}) => (
  <p class="clause">
    {part}, {profile}, policy {policy}, Linux {linux}. Firmware {firmware.size} bytes. {secrets.length}{' '}
    {secrets.length === 1 ? 'secret' : 'secrets'}.{' '}
    {secretArea && `Secret area at GPA ${secretArea.gpa}, ${secretArea.size} bytes.`}
  </p>
);

function ConnectionNotice({
  session: { connection, endReason },
  onEnd,
}: {
  session: LiveSession;
  onEnd: () => void;
}) {
  if (connection === 'lost') {
    return (
      <p class="notice connection" role="alert">
        The connection to the lab is lost. It goes on by itself when the lab answers again.
      </p>
    );
  }
  if (connection !== 'ended') return null;
  return (
    <p class="notice connection" role="alert">
      {ENDS[endReason ?? ''] ?? 'There is no such session any more.'}{' '}
      <button type="button" onClick={onEnd}>
        Start another
      </button>
    </p>
  );
}

const ENDS: Readonly<Record<string, string>> = {
  deleted: 'The session was ended.',
  idle: 'The session ended because nobody used it.',
  server: 'The lab was stopped.',
};
