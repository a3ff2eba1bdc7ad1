// Prints the time to the first view of the page as a ratio to an empty page of the same server in the same browser, and what
// the page weighs. Needs Chromium: apt-get install chromium
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const { chromium } = createRequire(join(root, 'e2e/package.json'))('playwright-core');
const RUNS = 15;
const RATIO_MAX = 3;
const WEIGHT_MAX = 250_000;

const server = spawn(join(root, 'sevlab'), ['serve', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const url = await new Promise((resolve) => {
  server.stdout.on('data', (text) => resolve(/http:\S+/.exec(text)?.[0]));
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--disable-dev-shm-usage', '--disable-gpu'],
});

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
async function timeTo(path, selector) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(noteFirstFrame, selector);
  await page.goto(`${url}${path}`);
  const time = await (await page.waitForFunction(() => globalThis.shownAt)).jsonValue();
  await context.close();
  return time;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

try {
  await timeTo('/', '.step-row'); // the first run warms browser and server
  const [empty, full] = [[], []];
  for (let i = 0; i < RUNS; i++) {
    empty.push(await timeTo('/api/openapi.json', 'body')); // the browser shows it as a line of text
    full.push(await timeTo('/', '.step-row'));
  }
  const ratio = median(full) / median(empty);
  const weight = ['page.js', 'page.css'].reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(root, 'dist/web', file))).length,
    0,
  );
  console.log(
    `first view ${median(full).toFixed(0)} ms, empty page ${median(empty).toFixed(0)} ms: ratio ${ratio.toFixed(2)}, at most ${RATIO_MAX}`,
  );
  console.log(`script and style without the terminal: ${weight} bytes compressed, at most ${WEIGHT_MAX}`);
  if (ratio > RATIO_MAX || weight > WEIGHT_MAX) process.exitCode = 1;
} finally {
  await browser.close();
  server.kill();
}
