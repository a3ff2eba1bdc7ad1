import { useState } from 'preact/hooks';
import { ApiError, postFile } from '../api.ts';

/** An image that the lab builds, or one that was uploaded. */
export type FirmwareChoice = { readonly layout: string } | { readonly sha256: string; readonly as?: string };

interface FirmwareFieldProps {
  readonly layouts: readonly string[];
  readonly choice: FirmwareChoice;
  readonly onChange: (choice: FirmwareChoice) => void;
}

/** What `POST /api/firmware` answers, as far as the form shows it. */
interface Uploaded {
  readonly sha256: string;
  readonly size: number;
}

/** The firmware: a simulated OVMF of some release, or an image from the reader's disk. */
export function FirmwareField({ layouts, choice, onChange }: FirmwareFieldProps) {
  const [uploaded, setUploaded] = useState<Uploaded & { readonly name: string }>();
  const [failure, setFailure] = useState('');
  const upload = async (file: File) => {
    setFailure('');
    try {
      const answer = await postFile<Uploaded>('firmware', file);
      setUploaded({ ...answer, name: file.name });
      onChange({ sha256: answer.sha256, as: layouts.at(-1)! });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFailure(error.message);
    }
  };
  const isUpload = 'sha256' in choice;
  return (
    <fieldset>
      <legend>Firmware</legend>
      <div class="columns">
        <label class="field">
          {isUpload ? 'The image is treated as edk2 release' : 'Simulated OVMF, AmdSev, of edk2 release'}
          <select
            value={isUpload ? choice.as : choice.layout}
            onChange={({ currentTarget: { value } }) =>
              onChange(isUpload ? { sha256: choice.sha256, as: value } : { layout: value })
            }
          >
            {layouts.map((layout) => (
              <option key={layout}>{layout}</option>
            ))}
          </select>
        </label>
        <label class="field">
          or an OVMF image of yours
          <input
            type="file"
            onChange={({ currentTarget: { files } }) => {
              const file = files?.[0];
              if (file) void upload(file);
            }}
          />
        </label>
      </div>
      {isUpload && uploaded && (
        <p class="clause">
          {uploaded.name}, {uploaded.size} bytes, SHA-256 <code>{uploaded.sha256.slice(0, 16)}…</code>. Its
          own code does not run: what the firmware does is simulated.{' '}
          <button type="button" class="quiet" onClick={() => onChange({ layout: layouts.at(-1)! })}>
            Use a simulated one
          </button>
        </p>
      )}
      {failure && (
        <p class="notice" role="alert">
          {failure}
        </p>
      )}
    </fieldset>
  );
}
