export type Theme = 'light' | 'dark';

const KEY = 'sevlab-theme';

/** What the reader chose, else what the system wants. */
export function currentTheme(): Theme {
  const chosen = stored();
  if (chosen !== undefined) return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Shows a theme; `remember` keeps it for the next visit. */
export function showTheme(theme: Theme, remember = false): void {
  document.documentElement.dataset.theme = theme;
  if (!remember) return;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // a page from disk, or a browser that forbids storage: the choice lasts as long as the page
  }
}

function stored(): Theme | undefined {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : undefined;
  } catch {
    return undefined;
  }
}
