import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface VirtualRowsProps extends Omit<JSX.HTMLAttributes<HTMLDivElement>, 'children'> {
  readonly count: number;
  /** CSS pixels, the same for every row. */
  readonly rowHeight: number;
  /** The row that must be in sight; it is scrolled to when it changes. */
  readonly current?: number | undefined;
  readonly children: (row: number) => ComponentChildren;
  /** Drawn behind the rows, as high as all of them. */
  readonly behind?: ComponentChildren;
}

/** Rows drawn in front of and behind those in sight. */
const OVERSCAN = 6;

/** A long list of which only the rows in sight exist. */
export function VirtualRows({ count, rowHeight, current, children, behind, ...rest }: VirtualRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 600 });

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    const sizes = new ResizeObserver(look); // tells the size at first, too, when it is known anyway
    sizes.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);

  useEffect(() => {
    const element = box.current;
    if (element === null || current === undefined) return;
    const top = current * rowHeight;
    const margin = Math.min(2 * rowHeight, element.clientHeight / 4);
    if (top - margin < element.scrollTop) element.scrollTop = top - margin;
    else if (top + rowHeight + margin > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + rowHeight + margin - element.clientHeight;
    }
  }, [current, rowHeight]);

  const first = Math.max(0, Math.floor(sight.top / rowHeight) - OVERSCAN);
  const last = Math.min(count, Math.ceil((sight.top + sight.height) / rowHeight) + OVERSCAN);
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  // the list names its current row to those who listen, so it is always there
  if (current !== undefined && current < count && (current < first || current >= last)) shown.push(current);
  const rows = shown.map((row) => (
    <div
      key={row}
      class="virtual-row"
      role="presentation"
      style={{ top: `${row * rowHeight}px`, height: `${rowHeight}px` }}
    >
      {children(row)}
    </div>
  ));
  return (
    <div {...rest} ref={box}>
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        {behind}
        {rows}
      </div>
    </div>
  );
}
