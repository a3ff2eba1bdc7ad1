/** Whether a text is a known one, but for letters' case and quotes around it. */
export const isSame = (known: string, text: string): boolean =>
  known !== '' &&
  known.toLowerCase() ===
    text
      .trim()
      .replace(/^'(.*)'$/, '$1')
      .toLowerCase();
