// Prints the time to the first view of the page as a ratio to an empty page of the same server in the same browser, and what
// the page weighs; fails above a ratio of 3, or of --most RATIO. Needs Chromium: apt-get install chromium
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { withPage } from './page-browser.mjs';

const { values: options } = parseArgs({ options: { most: { type: 'string', default: '3' } } });
const RATIO_MAX = Number(options.most);

const root = fileURLToPath(new URL('..', import.meta.url));
const RUNS = 15;
const WEIGHT_MAX = 250_000;

/** In the page: notes when the first frame with an element was shown, in milliseconds from the start of the navigation. */
const noteFirstFrame = (selector) => {
  const look = () => {
    if (document.querySelector(selector) === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => Object.assign(globalThis, { shownAt: performance.now() })));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
};

/** How long a browser that has nothing in its cache takes until an element is shown. */
async function timeTo(browser, address, selector) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(noteFirstFrame, selector);
  await page.goto(address);
  const time = await (await page.waitForFunction(() => globalThis.shownAt)).jsonValue();
  await context.close();
  return time;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

await withPage(async (browser, url) => {
  const full = () => timeTo(browser, url, '.step-row');
  const empty = () => timeTo(browser, `${url}/api/openapi.json`, 'body'); // shown as a line of text
  await full(); // the first run warms browser and server
  const times = { full: [], empty: [] };
  for (let i = 0; i < RUNS; i++) {
    times.empty.push(await empty());
    times.full.push(await full());
  }
  const ratio = median(times.full) / median(times.empty);
  const weight = ['page.js', 'page.css'].reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(root, 'dist/web', file))).length,
    0,
  );
  const [shown, least] = [times.full, times.empty].map((all) => median(all).toFixed(0));
  console.log(
    `first view ${shown} ms, empty page ${least} ms: ratio ${ratio.toFixed(2)}, at most ${RATIO_MAX}`,
  );
  console.log(`script and style without the terminal: ${weight} bytes compressed, at most ${WEIGHT_MAX}`);
  if (ratio > RATIO_MAX || weight > WEIGHT_MAX) process.exitCode = 1;
});
