import type { Step } from '@sevlab/story/steps';
import type { LoadedTrace } from '../loaded-trace.ts';
import type { PlayerPlace } from '../route.ts';

interface BytePanelProps {
  readonly trace: LoadedTrace;
  readonly step: Step;
  readonly at: PlayerPlace;
  readonly onPlace: (at: PlayerPlace) => void;
}

export function BytePanel({ step }: BytePanelProps) {
  return (
    <section class="byte-panel" aria-label="Bytes">
      {step.title}
    </section>
  );
}
