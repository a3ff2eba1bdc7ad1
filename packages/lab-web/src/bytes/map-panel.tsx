import { type MemoryMap, memoryMapAt } from '@sevlab/story/memory-map';
import { useMemo } from 'preact/hooks';
import type { BytePanelProps } from './byte-panel.tsx';
import { historyOf } from './history-of.ts';

/** Guest memory as the firmware and the kernel describe it, and which pages are private. */
export function MapPanel({ trace, step, onPlace }: BytePanelProps) {
  const history = historyOf(trace);
  const map = useMemo(() => memoryMapAt(trace.events, history, step.last + 1), [trace, history, step]);
  const look = (address: string) => onPlace({ step: step.index, panel: 'memory', byte: address });
  return (
    <div class="map-panel">
      <section aria-label="Regions">
        <h3>{SOURCES[map.source]}</h3>
        <ol class="regions">
          {map.regions.map(({ first, last, type, about }) => (
            <li key={first} class={isSecretArea(map, first, last) ? 'secret-region' : ''}>
              <button type="button" class="quiet" title={about} onClick={() => look(hex(first))}>
                <code>
                  {hex(first)} – {hex(last)}
                </code>
                <span>{type}</span>
                <small>{sizeText(last - first + 1n)}</small>
                {isSecretArea(map, first, last) && <b>secret area</b>}
              </button>
            </li>
          ))}
        </ol>
      </section>
      <section aria-label="Pages">
        <h3>Pages that were touched</h3>
        <ol class="regions">
          <PageRanges
            ranges={map.encrypted}
            kind="private"
            title="private: ciphertext in DRAM"
            onLook={(at) => look(hex(at))}
          />
          <PageRanges
            ranges={map.shared}
            kind="shared"
            title="shared: everybody reads it"
            onLook={(at) => look(hex(at))}
          />
          <PageRanges
            ranges={map.elsewhere}
            kind="host"
            title="memory of the host"
            onLook={(at) => look(`spa:${hex(at)}`)}
          />
        </ol>
      </section>
    </div>
  );
}

interface PageRangesProps {
  readonly ranges: readonly { readonly first: bigint; readonly last: bigint }[];
  readonly kind: 'private' | 'shared' | 'host';
  readonly title: string;
  readonly onLook: (address: bigint) => void;
}

const PageRanges = ({ ranges, kind, title, onLook }: PageRangesProps) => (
  <>
    {ranges.map(({ first, last }) => (
      <li key={first}>
        <button type="button" class={`quiet ${kind}`} onClick={() => onLook(first)}>
          <code>
            {kind === 'host' ? 'sPA' : 'GPA'} {hex(first)} – {hex(last)}
          </code>
          <span class="swatch" aria-hidden="true" />
          <span>{title}</span>
          <small>{sizeText(last - first + 1n)}</small>
        </button>
      </li>
    ))}
  </>
);

const SOURCES: Readonly<Record<MemoryMap['source'], string>> = {
  efi: 'The EFI memory map that the firmware handed over',
  e820: 'The map that the kernel printed (e820)',
  none: 'No map yet: the firmware has not handed over',
};

const hex = (address: bigint): string => `0x${address.toString(16)}`;

const isSecretArea = ({ secretArea }: MemoryMap, first: bigint, last: bigint): boolean =>
  secretArea !== undefined && secretArea.base >= first && secretArea.base <= last;

/** `4 KiB`, `1.5 MiB`. */
function sizeText(size: bigint): string {
  const [unit, name] =
    size >= 1n << 30n
      ? [1 << 30, 'GiB']
      : size >= 1n << 20n
        ? [1 << 20, 'MiB']
        : size >= 1024n
          ? [1024, 'KiB']
          : [1, 'bytes'];
  return `${Math.round((Number(size) / Number(unit)) * 10) / 10} ${name}`;
}
