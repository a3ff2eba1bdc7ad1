import { bytesOf, lengthOf } from '@sevlab/story/event';
import { useEffect, useRef } from 'preact/hooks';
import type { BytePanelProps } from './byte-panel.tsx';

/** What the guest printed up to this step: the kernel's log, and the shell. */
export function GuestOutput({ trace, step }: BytePanelProps) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  });
  const lines = trace.events.slice(0, step.last + 1).flatMap((event) => {
    if (event.type === 'printk') return [event.line];
    if (event.type === 'stop') return [`The guest stopped: ${event.reason}`];
    if (event.type !== 'shell') return [];
    const output = bytesOf(event.closed, 'output') ?? bytesOf(event.open, 'output');
    const hidden = lengthOf(event.closed, 'output') ?? 0;
    const text = output
      ? new TextDecoder().decode(output)
      : hidden > 0
        ? `(${hidden} bytes, not in this trace)`
        : '';
    return [`# ${event.command}`, ...(text === '' ? [] : [text.replace(/\n$/, '')])];
  });
  if (lines.length === 0) return <p class="empty">The guest has not printed anything yet.</p>;
  return (
    <pre ref={box} class="guest-output" tabIndex={0} role="region" aria-label="Guest console">
      {lines.join('\n')}
    </pre>
  );
}
