import type { Route } from '../route.ts';
import { SessionForm } from './session-form.tsx';
import { LiveSessionView } from './session-view.tsx';

interface LiveProps {
  readonly session?: string | undefined;
  readonly go: (route: Route) => void;
}

/** A machine of one's own: what it is made of is chosen, then it is led through its launch. */
export const Live = ({ session, go }: LiveProps) =>
  session === undefined ? (
    <SessionForm onStarted={(id) => go({ view: 'live', session: id })} />
  ) : (
    <LiveSessionView key={session} id={session} onEnd={() => go({ view: 'live' })} />
  );
