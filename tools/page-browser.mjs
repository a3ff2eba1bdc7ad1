// The page in a browser, for the scripts that look at it. Needs Chromium: apt-get install chromium fonts-dejavu-core
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { chromium } = createRequire(join(root, 'e2e/package.json'))('playwright-core');

/** Starts `sevlab serve` and a browser, lets `look` have both, and ends them. CHROMIUM names another browser than Debian's. */
export async function withPage(look) {
  const server = spawn(join(root, 'sevlab'), ['serve', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise((resolve, reject) => {
      server.stdout.on('data', (text) => resolve(/http:\S+/.exec(text)?.[0]));
      server.on('exit', () => reject(new Error('sevlab serve ended')));
    });
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--disable-dev-shm-usage', '--disable-gpu'], // containers have little of the one and none of the other
    });
    try {
      await look(browser, url);
    } finally {
      await browser.close();
    }
  } finally {
    server.kill();
  }
}
