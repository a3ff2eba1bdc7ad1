// Makes docs/images: the main views of the page, light and dark. Needs Chromium: apt-get install chromium fonts-dejavu-core
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withPage } from './page-browser.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs/images');

/** What is shown, by the name of its image. */
const VIEWS = {
  tour: { hash: '#/tour/8' },
  inject: { hash: '#/play/kernel-documentation?step=20&panel=packet-header&byte=20' },
  journey: { hash: '#/tour/10' },
  attack: {
    hash: '#/attacks/mac-forged',
    act: (page) => page.locator('.question button').last().click(),
  },
  live: { hash: '#/live', act: liveSession },
};

async function liveSession(page) {
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Boot' }).click();
  await page.getByRole('textbox', { name: 'Terminal input' }).waitFor();
  await page.keyboard.type('hd /sys/kernel/security/secrets/coco/e6f5a162-d67f-4750-a67c-5d065f2a9910\r');
  await page.locator('.xterm-rows').getByText('00000022').waitFor();
}

mkdirSync(folder, { recursive: true });
await withPage(async (browser, url) => {
  for (const theme of ['light', 'dark']) {
    for (const [name, { hash, act }] of Object.entries(VIEWS)) {
      const page = await browser.newPage({
        viewport: { width: 1440, height: 900 },
        colorScheme: theme,
        reducedMotion: 'reduce',
      });
      await page.goto(`${url}/${hash}`);
      await page.locator('main h2').first().waitFor();
      await act?.(page);
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(folder, `${name}-${theme}.png`) });
      await page.close();
    }
  }
});
