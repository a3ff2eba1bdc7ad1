import { buildLab } from '@sevlab/lab/server/build-lab';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { startBrowser } from './browser.ts';

/** A lab that listens on loopback, and a browser, for the tests of the group that this is called in. */
export function labInBrowser(): { browser: Browser; url: string } {
  const both = {} as { browser: Browser; url: string }; // filled before the first test
  let app: Awaited<ReturnType<typeof buildLab>> | undefined;
  beforeAll(async () => {
    app = await buildLab();
    both.url = await app.listen({ host: '127.0.0.1', port: 0 });
    both.browser = await startBrowser();
  });
  afterAll(async () => {
    await both.browser?.close();
    await app?.close();
  });
  return both;
}
