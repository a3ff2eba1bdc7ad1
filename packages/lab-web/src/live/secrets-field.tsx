import { toHex } from '@sevlab/codec/bytes';

/** A secret as it is typed. */
export interface SecretInput {
  readonly guid: string;
  readonly form: 'text' | 'hex';
  readonly value: string;
}

/** The secrets of packages/lab/scenarios/kernel-documentation.yaml: with them the guest answers as the document prints. */
export const DOCUMENTED_SECRETS: readonly SecretInput[] = [
  { guid: '736870e5-84f0-4973-92ec-06879ce3da0b', form: 'text', value: 'correct horse battery staple' },
  {
    guid: '83c83f7f-1356-4975-8b7e-d3a0b54312c6',
    form: 'hex',
    value: '6b657920666f72207468652066696c65206f6e2074686520636c6f7564206469',
  },
  { guid: '9553f55d-3da2-43ee-ab5d-ff17f78864d2', form: 'text', value: 'https://inventory.example/vault' },
  {
    guid: 'e6f5a162-d67f-4750-a67c-5d065f2a9910',
    form: 'hex',
    value: '74686573652d6172652d7468652d6b6174612d736563726574730001020304050607',
  },
];

export const secretsBody = (secrets: readonly SecretInput[]): object[] =>
  secrets.map(({ guid, form, value }) => ({
    guid: guid.trim(),
    [form]: form === 'hex' ? value.replace(/\s/g, '') : value,
  }));

interface SecretsFieldProps {
  readonly secrets: readonly SecretInput[];
  readonly onChange: (secrets: readonly SecretInput[]) => void;
}

/** The secrets of the guest owner: text, hexadecimal, or a file. */
export function SecretsField({ secrets, onChange }: SecretsFieldProps) {
  const change = (at: number, part: Partial<SecretInput>) =>
    onChange(secrets.map((secret, i) => (i === at ? { ...secret, ...part } : secret)));
  const takeFile = async (at: number, file: File) =>
    change(at, { form: 'hex', value: toHex(new Uint8Array(await file.arrayBuffer())) });
  return (
    <fieldset>
      <legend>Secrets</legend>
      {secrets.map(({ guid, form, value }, i) => (
        <div key={i} class="secret-input" role="group" aria-label={`Secret ${i + 1}`}>
          <label>
            <span class="sr-only">GUID</span>
            <input
              class="mono"
              size={38}
              value={guid}
              onInput={({ currentTarget }) => change(i, { guid: currentTarget.value })}
            />
          </label>
          <label>
            <span class="sr-only">Form</span>
            <select
              value={form}
              onChange={({ currentTarget }) =>
                change(i, { form: currentTarget.value as SecretInput['form'] })
              }
            >
              <option>text</option>
              <option>hex</option>
            </select>
          </label>
          <label class="grow">
            <span class="sr-only">Value</span>
            <input
              class="mono"
              value={value}
              onInput={({ currentTarget }) => change(i, { value: currentTarget.value })}
            />
          </label>
          <label class="button quiet">
            File…
            <input
              class="sr-only"
              type="file"
              onChange={({ currentTarget: { files } }) => {
                const file = files?.[0];
                if (file) void takeFile(i, file);
              }}
            />
          </label>
          <button type="button" class="quiet" onClick={() => onChange(secrets.filter((_, at) => at !== i))}>
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => onChange([...secrets, { guid: crypto.randomUUID(), form: 'text', value: '' }])}
      >
        Add a secret
      </button>
    </fieldset>
  );
}
