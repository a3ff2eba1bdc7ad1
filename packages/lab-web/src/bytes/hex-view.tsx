import type { StructureField } from '@sevlab/story/structure-fields';
import { useMemo, useState } from 'preact/hooks';
import { VirtualRows } from '../virtual-rows.tsx';
import { ByteReading } from './byte-reading.tsx';
import { NATURE_WORDS, type Nature } from './nature.ts';

/** A field of what is shown. */
export type HexField = Omit<StructureField, 'clause' | 'structure'>;

interface HexViewProps {
  readonly label: string;
  readonly bytes: Uint8Array;
  /** Number of the first byte: an address, or 0. */
  readonly base?: bigint;
  readonly fields?: readonly HexField[];
  /** What each byte is to whoever looks; `plain` where it is absent. */
  readonly natureOf?: ((offset: number) => Nature) | undefined;
  /** Bytes that differ from what others see. */
  readonly differs?: ((offset: number) => boolean) | undefined;
  /** Offset of the chosen byte. */
  readonly chosen?: number | undefined;
  readonly onChoose?: (offset: number) => void;
  /** Whether the readings of the chosen byte are shown below. */
  readonly readings?: boolean;
}

const ROW = 16;
const ROW_HEIGHT = 24;
/** Fields take these tints in turn. */
const TINTS = 6;

/** Bytes with their fields: each byte belongs to a field, and pointing at one marks the other. */
export function HexView(props: HexViewProps) {
  const {
    label,
    bytes,
    base = 0n,
    fields = [],
    natureOf,
    differs,
    chosen,
    onChoose,
    readings = true,
  } = props;
  const [pointed, setPointed] = useState<number>();
  const fieldOf = useMemo(() => fieldOfBytes(fields, bytes.length), [fields, bytes.length]);
  const marked = pointed ?? (chosen === undefined ? undefined : fieldOf[chosen]);
  const rows = Math.ceil(bytes.length / ROW);
  const move = (to: number) => onChoose?.(Math.max(0, Math.min(bytes.length - 1, to)));
  const keys: Readonly<Record<string, () => void>> = {
    ArrowRight: () => move((chosen ?? -1) + 1),
    ArrowLeft: () => move((chosen ?? 1) - 1),
    ArrowDown: () => move((chosen ?? -ROW) + ROW),
    ArrowUp: () => move((chosen ?? ROW) - ROW),
    PageDown: () => move((chosen ?? 0) + 8 * ROW),
    PageUp: () => move((chosen ?? 0) - 8 * ROW),
    Home: () => move(0),
    End: () => move(bytes.length - 1),
  };
  return (
    <div class={`hex-view ${fields.length === 0 ? 'without-fields' : ''}`}>
      <VirtualRows
        class="hex-rows"
        role="grid"
        aria-label={label}
        aria-rowcount={rows}
        aria-activedescendant={chosen === undefined ? undefined : `${idOf(label)}-${chosen}`}
        tabIndex={0}
        data-own-keys
        count={rows}
        rowHeight={ROW_HEIGHT}
        current={chosen === undefined ? undefined : Math.floor(chosen / ROW)}
        onKeyDown={(event) => {
          const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
          if (act === undefined || onChoose === undefined) return;
          event.preventDefault();
          act();
        }}
        onMouseLeave={() => setPointed(undefined)}
      >
        {(row) => (
          <HexRow
            id={idOf(label)}
            row={row}
            bytes={bytes}
            base={base}
            fieldOf={fieldOf}
            marked={marked}
            chosen={chosen}
            natureOf={natureOf}
            differs={differs}
            onPoint={setPointed}
            onChoose={onChoose}
          />
        )}
      </VirtualRows>
      {fields.length > 0 && (
        <FieldList fields={fields} marked={marked} onPoint={setPointed} onChoose={onChoose} />
      )}
      {readings && chosen !== undefined && chosen < bytes.length && (
        <ByteReading
          bytes={bytes}
          offset={chosen}
          base={base}
          field={fields[fieldOf[chosen] ?? -1]}
          nature={natureOf?.(chosen)}
        />
      )}
    </div>
  );
}

interface HexRowProps extends Pick<HexViewProps, 'bytes' | 'natureOf' | 'differs' | 'chosen'> {
  readonly id: string;
  readonly row: number;
  readonly base: bigint;
  readonly fieldOf: readonly (number | undefined)[];
  readonly marked: number | undefined;
  readonly onPoint: (field: number | undefined) => void;
  readonly onChoose: ((offset: number) => void) | undefined;
}

function HexRow({
  id,
  row,
  bytes,
  base,
  fieldOf,
  marked,
  chosen,
  natureOf,
  differs,
  onPoint,
  onChoose,
}: HexRowProps) {
  const offsets = Array.from({ length: Math.min(ROW, bytes.length - row * ROW) }, (_, i) => row * ROW + i);
  const classOf = (offset: number) => {
    const field = fieldOf[offset];
    return [
      natureOf?.(offset) ?? 'plain',
      field === undefined ? '' : `tint-${field % TINTS}`,
      field !== undefined && field === marked ? 'marked' : '',
      differs?.(offset) ? 'differs' : '',
      offset === chosen ? 'chosen' : '',
    ].join(' ');
  };
  return (
    <div class="hex-row" role="row" aria-rowindex={row + 1}>
      <span class="hex-offset" role="rowheader">
        {(base + BigInt(row * ROW)).toString(16).padStart(4, '0')}
      </span>
      {offsets.map((offset) => {
        const nature = natureOf?.(offset) ?? 'plain';
        return (
          <span
            key={offset}
            id={`${id}-${offset}`}
            role="gridcell"
            aria-selected={offset === chosen}
            class={`byte ${classOf(offset)}`}
            onMouseEnter={() => onPoint(fieldOf[offset])}
            onClick={() => onChoose?.(offset)}
          >
            {textOf(bytes[offset]!, nature)}
            {nature !== 'plain' && <span class="sr-only"> {NATURE_WORDS[nature]}</span>}
          </span>
        );
      })}
      <span class="hex-ascii" aria-hidden="true">
        {offsets.map((offset) => (
          <span key={offset} class={classOf(offset)}>
            {characterOf(bytes[offset]!, natureOf?.(offset) ?? 'plain')}
          </span>
        ))}
      </span>
    </div>
  );
}

interface FieldListProps {
  readonly fields: readonly HexField[];
  readonly marked: number | undefined;
  readonly onPoint: (field: number | undefined) => void;
  readonly onChoose: ((offset: number) => void) | undefined;
}

const FieldList = ({ fields, marked, onPoint, onChoose }: FieldListProps) => (
  <ul class="fields" aria-label="Fields" onMouseLeave={() => onPoint(undefined)}>
    {fields.map((field, i) => (
      <li key={`${field.offset} ${field.name}`} onMouseEnter={() => onPoint(i)}>
        <button
          type="button"
          class={`tint-${i % TINTS} ${i === marked ? 'marked' : ''}`}
          title={field.doc}
          onClick={() => onChoose?.(field.offset)}
        >
          <code class="at">{field.offset.toString(16).padStart(2, '0')}</code>
          <span class="name">{field.name}</span>
          <code class="value">{field.value}</code>
        </button>
      </li>
    ))}
  </ul>
);

/** The field of each byte, as its position in the list. */
function fieldOfBytes(fields: readonly HexField[], length: number): (number | undefined)[] {
  const found = new Array<number | undefined>(length).fill(undefined);
  for (const [i, { offset, length: size }] of fields.entries())
    found.fill(i, offset, Math.min(length, offset + size));
  return found;
}

function textOf(byte: number, nature: Nature): string {
  if (nature === 'unknown') return '??';
  if (nature === 'wiped') return '○';
  return byte.toString(16).padStart(2, '0');
}

function characterOf(byte: number, nature: Nature): string {
  if (nature === 'unknown') return ' ';
  if (nature === 'wiped') return '○';
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}

const idOf = (label: string): string => `bytes-${label.replace(/[^a-zA-Z0-9]+/g, '-')}`;
