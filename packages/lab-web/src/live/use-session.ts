import type { TraceEvent, TraceHeader } from '@sevlab/codec/trace';
import type { TraceBytes } from '@sevlab/story/event';
import { TraceReader } from '@sevlab/story/read-trace';
import { stepsOf } from '@sevlab/story/steps';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { getJson } from '../api.ts';
import type { LoadedTrace } from '../loaded-trace.ts';
import type { SessionDescription } from './session.ts';

/** `open`: events come. `lost`: nothing comes, and the browser tries again. `ended`: there is no such session any more. */
export type Connection = 'connecting' | 'open' | 'lost' | 'ended';

export interface LiveSession {
  readonly description: SessionDescription | undefined;
  /** Undefined before the first event. */
  readonly trace: LoadedTrace | undefined;
  /** What the guest's terminal showed, in pieces. */
  readonly terminal: readonly string[];
  readonly connection: Connection;
  /** Why it ended, as far as the lab said. */
  readonly endReason: string | undefined;
}

interface Told {
  readonly header: TraceHeader | undefined;
  readonly events: readonly TraceEvent<TraceBytes>[];
  readonly terminal: readonly string[];
  readonly connection: Connection;
  readonly endReason?: string;
}

const NOTHING: Told = { header: undefined, events: [], terminal: [], connection: 'connecting' };

/** Follows a session: what it tells comes as server-sent events, and comes again where it broke off. */
export function useSession(id: string): LiveSession {
  const [told, setTold] = useState<Told>(NOTHING);
  const [description, setDescription] = useState<SessionDescription>();

  useEffect(() => {
    setTold(NOTHING);
    setDescription(undefined);
    const stream = new EventSource(`api/sessions/${id}/events`);
    const gathered = new Gathered(stream, setTold);
    const describe = () =>
      getJson<SessionDescription>(`sessions/${id}`).then(setDescription, () => {
        if (stream.readyState === EventSource.CLOSED) gathered.end();
      });
    stream.addEventListener('state', ({ data }) => {
      const { state, reason } = JSON.parse(data) as { state: string; reason?: string };
      if (state === 'ended') gathered.end(reason);
      else void describe();
    });
    stream.addEventListener('error', () => void describe());
    void describe();
    return () => gathered.close();
  }, [id]);

  const { header, events, terminal, connection, endReason } = told;
  const trace = useMemo(
    () =>
      header === undefined || events.length === 0 ? undefined : { header, events, steps: stepsOf(events) },
    [header, events],
  );
  return { description, trace, terminal, connection, endReason };
}

/** Collects what a stream says and shows it once per frame: a launch says hundreds of things at once. */
class Gathered {
  readonly #stream: EventSource;
  readonly #show: (told: Told) => void;
  #reader: TraceReader | undefined;
  #told: Told = NOTHING;
  #events: TraceEvent<TraceBytes>[] = [];
  #terminal: string[] = [];
  #frame: number | undefined;

  constructor(stream: EventSource, show: (told: Told) => void) {
    this.#stream = stream;
    this.#show = show;
    stream.addEventListener('open', () => this.#set({ connection: 'open' }));
    stream.addEventListener('error', () => {
      if (this.#told.connection !== 'ended') this.#set({ connection: 'lost' });
    });
    stream.addEventListener('trace', ({ data }) => this.#line(data));
    stream.addEventListener('terminal', ({ data }) => {
      this.#terminal = [...this.#terminal, (JSON.parse(data) as { output: string }).output];
      this.#set({ terminal: this.#terminal });
    });
  }

  end(endReason?: string): void {
    this.#set({ connection: 'ended', ...(endReason !== undefined && { endReason }) });
    this.#stream.close();
  }

  close(): void {
    this.#stream.close();
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
  }

  #line(line: string): void {
    if (this.#reader === undefined) {
      this.#reader = new TraceReader(line);
      this.#set({ header: this.#reader.header });
      return;
    }
    const event = this.#reader.read(line);
    if (event === undefined) return;
    this.#events.push(event);
    this.#set({});
  }

  #set(change: Partial<Told>): void {
    this.#told = { ...this.#told, ...change };
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#told = { ...this.#told, events: [...this.#events] };
      this.#show(this.#told);
    });
  }
}
