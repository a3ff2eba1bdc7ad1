import type { Step } from '@sevlab/story/steps';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { LoadedTrace } from '../loaded-trace.ts';
import type { PlayerPlace } from '../route.ts';
import { GuestOutput } from './guest-output.tsx';
import { JourneyPanel } from './journey-panel.tsx';
import { MapPanel } from './map-panel.tsx';
import { MemoryPanel } from './memory-panel.tsx';
import { PassedBytes } from './passed-bytes.tsx';

/** A view of the panel that belongs to one place of the page only, such as a terminal. */
export interface ExtraTab {
  readonly id: string;
  readonly title: string;
  readonly content: () => ComponentChildren;
}

export interface BytePanelProps {
  readonly trace: LoadedTrace;
  readonly step: Step;
  readonly at: PlayerPlace;
  readonly onPlace: (at: PlayerPlace) => void;
  readonly extraTabs?: readonly ExtraTab[] | undefined;
}

/** What the bytes of a step are: the structures that pass, memory, the journey of a byte, what the guest prints. */
export function BytePanel(props: BytePanelProps) {
  const { at, onPlace, extraTabs = [] } = props;
  const list = useRef<HTMLDivElement>(null);
  const tabs: readonly ExtraTab[] = [
    ...extraTabs,
    { id: 'structures', title: 'Bytes of this step', content: () => <PassedBytes {...props} /> },
    { id: 'memory', title: 'Memory: who sees what', content: () => <MemoryPanel {...props} /> },
    { id: 'map', title: 'Memory map', content: () => <MapPanel {...props} /> },
    { id: 'journey', title: 'Journey of a byte', content: () => <JourneyPanel {...props} /> },
    { id: 'output', title: 'Guest console', content: () => <GuestOutput {...props} /> },
  ];
  const wanted = tabs.find(({ id }) => id === at.panel);
  const current = wanted ?? (at.panel === undefined ? tabs[0]! : tabs.find(({ id }) => id === 'structures')!);
  const choose = (id: string) => onPlace({ step: at.step, panel: id });
  const move = (by: number) => {
    const next = tabs[(tabs.indexOf(current) + by + tabs.length) % tabs.length]!;
    choose(next.id);
    list.current?.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };
  return (
    <section class="byte-panel" aria-label="Bytes">
      <div
        ref={list}
        class="tabs"
        role="tablist"
        aria-label="Views of the bytes"
        data-own-keys
        onKeyDown={(event) => {
          if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
          event.preventDefault();
          move(event.key === 'ArrowRight' ? 1 : -1);
        }}
      >
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            aria-selected={id === current.id}
            aria-controls="byte-tab-panel"
            tabIndex={id === current.id ? 0 : -1}
            onClick={() => choose(id)}
          >
            {title}
          </button>
        ))}
      </div>
      <div
        id="byte-tab-panel"
        class="tab-panel"
        role="tabpanel"
        aria-labelledby={`tab-${current.id}`}
        tabIndex={-1}
      >
        {current.content()}
      </div>
    </section>
  );
}
