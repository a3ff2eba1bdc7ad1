import { useEffect, useRef } from 'preact/hooks';

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['→', '←'], 'forward and back: a step, or a stop of the tour'],
  [['↓', '↑'], 'one step'],
  [['Page Down', 'Page Up'], 'ten steps'],
  [['Home', 'End'], 'first and last step'],
  [['Space'], 'play or pause'],
  [['Tab'], 'to the next part of the page; arrow keys move inside the bytes'],
  [['?'], 'this list'],
];

/** The keys of the page. */
export function Help({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl>
        {KEYS.map(([keys, what]) => (
          <>
            <dt>
              {keys.map((key) => (
                <>
                  <kbd>{key}</kbd>{' '}
                </>
              ))}
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </dialog>
  );
}
