import { fromHex } from '@sevlab/codec/bytes';
import { COMMAND_ID } from '@sevlab/codec/sev/command';
import { useState } from 'preact/hooks';
import { ApiError, post } from '../api.ts';
import { HexView } from '../bytes/hex-view.tsx';

/** What the host can do by hand; the fields of each, with an example. */
const ACTS = {
  read: { title: 'Read cells', fields: { at: '0x810000', length: '64' } },
  write: { title: 'Write cells', fields: { at: '0x810000', hex: '00112233445566778899aabbccddeeff' } },
  save: { title: 'Keep cells', fields: { at: '0x810000', length: '4096', as: 'before' } },
  replay: { title: 'Put kept cells back', fields: { at: '0x810000', from: 'before' } },
  remap: { title: 'Remap a page', fields: { gpa: '0x810000', spa: '0x100811000' } },
  place: { title: 'Place bytes in host memory', fields: { hex: '00000000' } },
  command: {
    title: 'Send a command to the AMD-SP',
    fields: { name: 'PLATFORM_STATUS', buffer: '000000000000000000000000' },
  },
} as const;

type ActName = keyof typeof ACTS;

const LABELS: Readonly<Record<string, string>> = {
  at: 'GPA, or spa: and sPA',
  length: 'bytes',
  hex: 'bytes, hexadecimal',
  as: 'name to keep them under',
  from: 'name that they were kept under',
  gpa: 'GPA',
  spa: 'sPA',
  name: 'command',
  buffer: 'command buffer, hexadecimal',
};

/** What the lab answers to an act: bytes, a status, or a refusal, as the act has it. */
type Answer = Readonly<Record<string, unknown>>;

/** The host by hand: everything that the threat model gives it. */
export function HostConsole({
  id,
  secretArea,
}: {
  readonly id: string;
  readonly secretArea?: string | undefined;
}) {
  const [act, setAct] = useState<ActName>('read');
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [answers, setAnswers] = useState<readonly { title: string; answer: Answer }[]>([]);
  const [failure, setFailure] = useState('');
  const fields = Object.entries(ACTS[act].fields);
  const valueIn = (field: string, example: string) =>
    values[`${act} ${field}`] ?? (field === 'at' || field === 'gpa' ? (secretArea ?? example) : example);
  const carryOut = async (event: Event) => {
    event.preventDefault();
    setFailure('');
    const typed = Object.fromEntries(
      fields.map(([field, example]) => [field, valueIn(field, example).trim()]),
    );
    try {
      const answer = await post<Answer>(`sessions/${id}/host`, { [act]: bodyOf(typed) });
      setAnswers(
        [
          { title: `${ACTS[act].title}: ${Object.values(typed).join(' ').slice(0, 60)}`, answer },
          ...answers,
        ].slice(0, 20),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(error.message);
    }
  };
  return (
    <div class="host-console">
      <form class="bar" onSubmit={(event) => void carryOut(event)}>
        <label>
          <span class="sr-only">What the host does</span>
          <select value={act} onChange={({ currentTarget }) => setAct(currentTarget.value as ActName)}>
            {Object.entries(ACTS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {fields.map(([field, example]) => (
          <ActField
            key={`${act} ${field}`}
            field={field}
            value={valueIn(field, example)}
            onChange={(value) => setValues({ ...values, [`${act} ${field}`]: value })}
          />
        ))}
        <button type="submit" class="primary">
          Do it
        </button>
      </form>
      {failure && (
        <p class="notice" role="alert">
          {failure}
        </p>
      )}
      <ol class="answers" aria-live="polite">
        {answers.map(({ title, answer }, i) => (
          <li key={answers.length - i}>
            <h3>{title}</h3>
            <AnswerOf answer={answer} label={`${answers.length - i}. ${title}`} />
          </li>
        ))}
      </ol>
    </div>
  );
}

interface ActFieldProps {
  readonly field: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function ActField({ field, value, onChange }: ActFieldProps) {
  const id = `host-${field}`;
  return (
    <label for={id} class={field === 'hex' || field === 'buffer' ? 'grow' : ''}>
      {LABELS[field]}{' '}
      {field === 'name' ? (
        <select id={id} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {Object.keys(COMMAND_ID).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          class="mono"
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </label>
  );
}

function AnswerOf({ answer, label }: { readonly answer: Answer; readonly label: string }) {
  const { hex, buffer, ...rest } = answer;
  const bytes = [hex, buffer].find((text) => typeof text === 'string' && text !== '');
  const words = Object.entries(rest).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`,
  );
  return (
    <>
      <p class="mono">{words.join(', ') || (bytes === undefined ? 'done' : '')}</p>
      {typeof bytes === 'string' && <HexView label={label} bytes={fromHex(bytes)} readings={false} />}
    </>
  );
}

/** The fields as the lab wants them: an address is `gpa` or `spa`, a length is a number. */
function bodyOf({ at, length, ...rest }: Readonly<Record<string, string>>): object {
  const place =
    at === undefined ? {} : at.startsWith('spa:') ? { spa: at.slice(4) } : { gpa: at.replace(/^gpa:/, '') };
  return { ...place, ...(length !== undefined && { length: Number(length) }), ...rest };
}
