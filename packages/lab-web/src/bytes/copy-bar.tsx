import { useEffect, useState } from 'preact/hooks';
import { COPY_FORMS } from './reading.ts';

interface CopyBarProps {
  readonly bytes: Uint8Array;
  /** The command that shows these bytes in a terminal. */
  readonly command?: string | undefined;
}

/** Copies the bytes in a form that the reader chooses. */
export function CopyBar({ bytes, command }: CopyBarProps) {
  const [copied, setCopied] = useState('');
  useEffect(() => {
    if (copied === '') return;
    const timer = setTimeout(() => setCopied(''), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (name: string, text: string) => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(`${name} copied`),
      () => setCopied('The browser does not let this page copy.'),
    );
  };
  return (
    <p class="copy-bar">
      Copy as{' '}
      {COPY_FORMS.map(({ name, write }) => (
        <button key={name} type="button" class="quiet" onClick={() => copy(name, write(bytes))}>
          {name}
        </button>
      ))}
      {command && (
        <button type="button" class="quiet" title={command} onClick={() => copy('command', command)}>
          sevlab command
        </button>
      )}
      <span role="status">{copied}</span>
    </p>
  );
}
