import { type Browser, chromium, type Page } from 'playwright-core';
import { whereIs } from './optional-program.ts';

/** What Debian's package installs; elsewhere it may have another name. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];
const program = PROGRAMS.map(whereIs).find((path) => path !== undefined);

/** Whether there is a browser. Where there is none, its tests are skipped, and that is said. */
export const hasBrowser: boolean = program !== undefined;
if (!hasBrowser)
  process.stderr.write('SKIPPED, no Chromium here: apt-get install chromium fonts-dejavu-core\n');

/** Starts the browser that is installed here. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: program ?? 'chromium',
    args: ['--disable-dev-shm-usage', '--disable-gpu'], // containers have little of the one and none of the other
  });
}

export interface PageOptions {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

/** A page of its own, and what went wrong on it: errors of scripts, and what the browser refused to load. */
export async function openPage(
  browser: Browser,
  { theme = 'light', width = 1440, height = 900 }: PageOptions = {},
): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { page, complaints };
}
