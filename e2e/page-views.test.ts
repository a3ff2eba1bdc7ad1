import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasBrowser, openPage } from './test/browser.ts';
import { labInBrowser } from './test/lab-in-browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, one line each: the rule, and where. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate<string[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => id + ' at ' + target.join(' ') + ': ' + failureSummary.split('\\n')[1])))`,
  );
}

/** Every view, by what is done to get there. */
const VIEWS: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  '#/tour/0': (page) => page.locator('.lesson').waitFor(),
  '#/tour/8': (page) => page.locator('.eye').first().waitFor(),
  '#/tour/10': (page) => page.locator('.place').first().waitFor(),
  '#/play/kernel-documentation?step=20': (page) => page.locator('.fields').waitFor(),
  '#/play/kernel-documentation?step=20&panel=packet-header&byte=20': (page) =>
    page.locator('.byte-reading').waitFor(),
  '#/play/kernel-documentation?step=25&panel=map': (page) => page.locator('.secret-region').waitFor(),
  '#/play/kernel-documentation?step=28&panel=output': (page) => page.locator('.guest-output').waitFor(),
  '#/play/attacks/a05-packet-again?step=24': (page) => page.locator('.inspector').waitFor(),
  '#/attacks': (page) => page.locator('.cards').waitFor(),
  '#/attacks/mac-forged': async (page) => {
    await page.locator('.question button').first().click();
    await page.locator('.reveal').waitFor();
  },
  '#/exercises': (page) => page.locator('.cards').waitFor(),
  '#/exercises/padding': async (page) => {
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText('Not yet').waitFor();
  },
  '#/live': (page) => page.locator('.live-form').waitFor(),
  '#/live (running)': async (page) => {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('button', { name: 'Boot' }).click();
    await page.getByRole('textbox', { name: 'Terminal input' }).waitFor();
  },
  '#/live (host console)': async (page) => {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('button', { name: 'Boot' }).click();
    await page.getByRole('tab', { name: 'Host console' }).click();
    await page.getByRole('button', { name: 'Do it' }).click();
    await page.locator('.answers .hex-row').first().waitFor();
  },
  '#/tour/0 (keys)': async (page) => {
    await page.locator('.lesson').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
  },
  '#/reference': (page) => page.locator('.words').waitFor(),
  '#/reference/statuses': (page) => page.locator('.listing').waitFor(),
  '#/reference/structures/launch-secret': (page) => page.locator('.listing').waitFor(),
};

describe.skipIf(!hasBrowser)('every view', () => {
  const lab = labInBrowser();

  describe.each(['light', 'dark'] as const)('in %s', (theme) => {
    it.each(Object.entries(VIEWS))('%s passes axe', async (name, arrive) => {
      const { page, complaints } = await openPage(lab.browser, { theme });
      await page.goto(`${lab.url}/${name.split(' ')[0]}`);
      await arrive(page);
      expect(await violations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });

  it('is judged by an axe that finds something', async () => {
    const { page } = await openPage(lab.browser);
    await page.setContent('<html><body><img src="data:,"><p style="color:#ccc">pale</p></body></html>');
    const found = await violations(page);
    for (const rule of ['image-alt', 'color-contrast', 'html-has-lang'])
      expect(found.join('\n')).toContain(rule);
    await page.context().close();
  });
});
