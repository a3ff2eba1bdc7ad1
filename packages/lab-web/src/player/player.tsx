import type { ComponentChildren } from 'preact';
import { useCallback, useMemo, useState } from 'preact/hooks';
import { BytePanel, type ExtraTab } from '../bytes/byte-panel.tsx';
import type { LoadedTrace } from '../loaded-trace.ts';
import type { PlayerPlace } from '../route.ts';
import { useKeys } from '../shell/use-keys.ts';
import { Inspector } from './inspector.tsx';
import { PipelineStrip } from './pipeline-strip.tsx';
import { Sequence } from './sequence.tsx';
import { Transport } from './transport.tsx';
import { usePlaying } from './use-playing.ts';

interface PlayerProps {
  readonly trace: LoadedTrace;
  readonly at: PlayerPlace;
  readonly onPlace: (at: PlayerPlace) => void;
  /** What stands beside the sequence: a lesson, or the controls of a live session. */
  readonly children: ComponentChildren;
  /** It is a text that one edits, and needs more room. */
  readonly wide?: boolean;
  /** What forward and back do, where that is not one step: a tour goes from stop to stop. Absent at its ends. */
  readonly extraTabs?: readonly ExtraTab[];
  readonly path?: { readonly forward: (() => void) | undefined; readonly back: (() => void) | undefined };
}

/** A trace, step by step: sequence, inspector, bytes. */
export function Player({ trace, at, onPlace, children, wide = false, path, extraTabs }: PlayerProps) {
  const total = trace.steps.length;
  const index = Math.min(at.step, total - 1);
  const step = trace.steps[index]!; // a run has at least one step
  const go = useCallback(
    (to: number) =>
      onPlace({ step: Math.max(0, Math.min(total - 1, to)), ...(at.panel && { panel: at.panel }) }),
    [total, onPlace, at.panel],
  );
  const own = useMemo(
    () => ({
      forward: index < total - 1 ? () => go(index + 1) : undefined,
      back: index > 0 ? () => go(index - 1) : undefined,
    }),
    [index, total, go],
  );
  const { forward, back } = path ?? own;
  const [speed, setSpeed] = useState(1);
  const [playing, setPlaying] = usePlaying(forward, speed);
  useKeys({
    ArrowRight: () => forward?.(),
    ArrowLeft: () => back?.(),
    ArrowDown: () => go(index + 1),
    ArrowUp: () => go(index - 1),
    PageDown: () => go(index + 10),
    PageUp: () => go(index - 10),
    Home: () => go(0),
    End: () => go(total - 1),
    ' ': () => setPlaying(!playing),
  });
  return (
    <div class={`player ${wide ? 'wide' : ''}`}>
      <aside class="beside">{children}</aside>
      <div class="middle">
        <PipelineStrip steps={trace.steps} step={index} onStep={go} />
        <Sequence trace={trace} step={index} onStep={go} />
      </div>
      <Inspector trace={trace} step={step} />
      <Transport
        step={step}
        total={total}
        onStep={go}
        onForward={() => forward?.()}
        onBack={() => back?.()}
        playing={playing}
        onPlaying={setPlaying}
        speed={speed}
        onSpeed={setSpeed}
      />
      <BytePanel trace={trace} step={step} at={at} onPlace={onPlace} extraTabs={extraTabs} />
    </div>
  );
}
