/** `error`: launch secrets cannot work with this image, or it is damaged. `warning`: a trap on the way. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export const error = (text: string): Finding => ({ severity: 'error', text });
export const warning = (text: string): Finding => ({ severity: 'warning', text });
