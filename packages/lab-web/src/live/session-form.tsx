import { POLICY, type PolicyFlag } from '@sevlab/codec/sev/policy';
import { useState } from 'preact/hooks';
import { ApiError, getJson, post } from '../api.ts';
import { FromLab } from '../shell/from-lab.tsx';
import { useLoaded } from '../shell/use-loaded.ts';
import { type FirmwareChoice, FirmwareField } from './firmware-field.tsx';
import { DOCUMENTED_SECRETS, type SecretInput, SecretsField, secretsBody } from './secrets-field.tsx';
import type { SessionDescription } from './session.ts';

/** What the lab can do, as far as the form asks. */
interface Capabilities {
  readonly parts: readonly string[];
  readonly firmwareProfiles: readonly string[];
  readonly layouts: readonly string[];
  readonly linux: readonly string[];
}

const POLICY_WORDS: Readonly<Record<PolicyFlag, string>> = {
  NODBG: 'no debugging',
  NOKS: 'no sharing of keys',
  ES: 'SEV-ES required',
  NOSEND: 'not to be sent elsewhere',
  DOMAIN: 'only inside the domain',
  SEV: 'only to SEV platforms',
};

/** Chooses part, policy, firmware, secrets and kernel of a new session. */
export function SessionForm({ onStarted }: { readonly onStarted: (id: string) => void }) {
  const loaded = useLoaded('capabilities', () => getJson<Capabilities>('capabilities'));
  return (
    <FromLab loaded={loaded}>
      {(capabilities) => <Form capabilities={capabilities} onStarted={onStarted} />}
    </FromLab>
  );
}

function Form({
  capabilities,
  onStarted,
}: {
  readonly capabilities: Capabilities;
  readonly onStarted: (id: string) => void;
}) {
  const [part, setPart] = useState('genoa');
  const [profile, setProfile] = useState('genoa-1.55');
  const [linux, setLinux] = useState('documented');
  const [policy, setPolicy] = useState<number>(POLICY.NODBG | POLICY.NOKS);
  const [firmware, setFirmware] = useState<FirmwareChoice>({ layout: '202405' });
  const [secrets, setSecrets] = useState<readonly SecretInput[]>(DOCUMENTED_SECRETS);
  const [seed, setSeed] = useState('');
  const [failure, setFailure] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(undefined);
    try {
      const { id } = await post<SessionDescription>('sessions', {
        ...{ part, profile, linux, policy, firmware },
        secrets: secretsBody(secrets),
        ...(seed !== '' && { seed }),
      });
      onStarted(id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <form class="reading live-form" onSubmit={(event) => void start(event)}>
      <h2>A machine of your own</h2>
      <p>Choose what it is made of. Then launch it step by step, be its host, and type into its guest.</p>
      <div class="columns">
        <Choice label="Part" value={part} options={capabilities.parts} onChange={setPart} />
        <Choice
          label="SEV firmware"
          value={profile}
          options={capabilities.firmwareProfiles}
          onChange={setProfile}
        />
        <Choice label="Linux" value={linux} options={capabilities.linux} onChange={setLinux} />
      </div>
      <PolicyField policy={policy} onChange={setPolicy} />
      <FirmwareField layouts={capabilities.layouts} choice={firmware} onChange={setFirmware} />
      <SecretsField secrets={secrets} onChange={setSecrets} />
      <label class="field">
        Seed <small>the same seed gives the same bytes; empty: sevlab</small>
        <input class="mono" value={seed} onInput={({ currentTarget }) => setSeed(currentTarget.value)} />
      </label>
      {failure && (
        <p class="notice" role="alert">
          {failure.message}
          {failure.retryAfter !== undefined && ` Try again in ${failure.retryAfter} s.`}
        </p>
      )}
      <p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Starting…' : 'Start'}
        </button>
      </p>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly onChange: (value: string) => void;
}

const Choice = ({ label, value, options, onChange }: ChoiceProps) => (
  <label class="field">
    {label}
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {options.map((option) => (
        <option key={option}>{option}</option>
      ))}
    </select>
  </label>
);

function PolicyField({
  policy,
  onChange,
}: {
  readonly policy: number;
  readonly onChange: (policy: number) => void;
}) {
  return (
    <fieldset>
      <legend>
        Policy <code>0x{policy.toString(16).padStart(8, '0')}</code>
      </legend>
      <div class="columns">
        {(Object.keys(POLICY) as PolicyFlag[]).map((flag) => (
          <label key={flag} class="check">
            <input
              type="checkbox"
              checked={(policy & POLICY[flag]) !== 0}
              onChange={() => onChange((policy ^ POLICY[flag]) >>> 0)}
            />
            <code>{flag}</code> {POLICY_WORDS[flag]}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
