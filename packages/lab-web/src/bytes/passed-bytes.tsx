import type { BytePanelProps } from './byte-panel.tsx';

export function PassedBytes({ step }: BytePanelProps) {
  return <p class="empty">{step.title}</p>;
}
