import type { Step } from '@sevlab/story/steps';
import type { PassingStructure, Structures } from '@sevlab/story/structures';
import { useState } from 'preact/hooks';
import { Clause } from '../clause.tsx';
import { type LoadedTrace, shortTitle } from '../loaded-trace.ts';
import type { BytePanelProps } from './byte-panel.tsx';
import { CopyBar } from './copy-bar.tsx';
import { HexView } from './hex-view.tsx';
import { structuresOf } from './history-of.ts';

/** The structures that pass in a step, byte by byte. */
export function PassedBytes({ trace, step, at, onPlace }: BytePanelProps) {
  const structures = structuresOf(trace);
  const from = lastWithStructures(structures, trace, step);
  const passing = structures.of(from);
  const [wanted = '', nth = '0'] = (at.panel ?? '').split('.', 2);
  const named = passing.filter((structure) => nameOf(structure) === wanted);
  const shown = named[Number(nth)] ?? named[0] ?? passing[0];
  if (shown === undefined) return <p class="empty">No structure has passed yet.</p>;
  const go = (structure: PassingStructure, byte?: number) =>
    onPlace({
      step: step.index,
      panel: panelOf(passing, structure),
      ...(byte !== undefined && { byte: String(byte) }),
    });
  const chosen = at.byte === undefined || !Number.isInteger(Number(at.byte)) ? undefined : Number(at.byte);
  return (
    <div class="passed">
      <ul class="passing" aria-label="Structures">
        {from !== step && (
          <li class="clause">
            From step {from.index + 1}, {shortTitle(from)}
          </li>
        )}
        {passing.map((structure) => (
          <li key={panelOf(passing, structure)}>
            <button
              type="button"
              class={structure.openness === 'closed' ? 'closed' : ''}
              aria-pressed={structure === shown}
              onClick={() => go(structure)}
            >
              {structure.label}
              <small>
                {structure.bytes.length} bytes{structure.openness === 'closed' && ', closed to the host'}
              </small>
            </button>
          </li>
        ))}
      </ul>
      <Shown structure={shown} chosen={chosen} onChoose={(byte) => go(shown, byte)} />
    </div>
  );
}

/** A verdict, or VMRUN, passes nothing: what it is about passed before it. */
function lastWithStructures(structures: Structures, { steps }: LoadedTrace, step: Step): Step {
  for (let i = step.index; i >= 0; i--) if (structures.of(steps[i]!).length > 0) return steps[i]!;
  return step;
}

interface ShownProps {
  readonly structure: PassingStructure;
  readonly chosen: number | undefined;
  readonly onChoose: (byte: number) => void;
}

function Shown({ structure, chosen, onChoose }: ShownProps) {
  const { label, bytes, fields, clause, command, address, openness, offset = 0 } = structure;
  const [bare, setBare] = useState(false);
  return (
    <section class="structure" aria-label={label}>
      <p class="bar">
        <b>{label}</b>
        {address && (
          <code>
            {address.space === 'spa' ? 'sPA' : 'GPA'} {address.value}
          </code>
        )}
        <Clause clause={clause} />
        <label>
          <input type="checkbox" checked={bare} onChange={() => setBare(!bare)} /> bytes only
        </label>
        <CopyBar bytes={bytes} command={command} />
      </p>
      <HexView
        label={label}
        bytes={bytes}
        base={BigInt(address?.value ?? 0) + BigInt(offset)}
        fields={bare ? [] : fields}
        natureOf={openness === 'closed' ? () => 'secret' : undefined}
        chosen={chosen !== undefined && chosen < bytes.length ? chosen : undefined}
        onChoose={onChoose}
      />
    </section>
  );
}

/** The structure's name, and which of that name it is. */
function panelOf(passing: readonly PassingStructure[], structure: PassingStructure): string {
  const nth = passing.filter((other) => nameOf(other) === nameOf(structure)).indexOf(structure);
  return nth === 0 ? nameOf(structure) : `${nameOf(structure)}.${nth}`;
}

/** Bytes without a structure go by what they are here. */
const nameOf = ({ name, label }: PassingStructure): string => name ?? label;
