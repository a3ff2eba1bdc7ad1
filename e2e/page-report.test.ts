import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, openPage, startBrowser } from './test/browser.ts';
import { typeIn } from './test/command-line.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';
const SECRET = 'nobody may see this';
const folder = mkdtempSync(join(tmpdir(), 'sevlab-player-'));
afterAll(() => rmSync(folder, { recursive: true }));

const launch = ['offer', 'launch', 'measure', 'verify', 'seal', 'inject', 'finish', 'boot'];
const scenario = (title: string, steps: readonly string[]) =>
  `version: 1\ntitle: ${JSON.stringify(title)}\nsecrets: [{ guid: ${GUID}, text: ${SECRET} }]\nsteps:\n` +
  [...launch.map((step) => `do: ${step}`), ...steps].map((step) => `  - ${step}\n`).join('');
const cat = `shell: cat /sys/kernel/security/secrets/coco/${GUID}`;

const HOSTILE = '</script><img src=x onerror="document.title=1">';

beforeAll(() => {
  writeFileSync(join(folder, 'good.yaml'), scenario(HOSTILE, [cat]));
  writeFileSync(join(folder, 'bad.yaml'), scenario('deviates', [`{ ${cat}, expect: { output: other } }`]));
  writeFileSync(join(folder, 'broken.yaml'), 'version: 1\ntitle: x\nsteps: [{ do: offr }]\n');
  writeFileSync(
    join(folder, 'long.yaml'),
    scenario('long', new Array(1500).fill('shell: ls -la /sys/kernel/security/secrets/coco')),
  );
});

describe('a report that plays', () => {
  it('holds no secret unless it is asked for', () => {
    expect(typeIn(folder, 'run', 'good.yaml', 'bad.yaml', '--report', 'closed.html').status).toBe(1);
    const page = readFileSync(join(folder, 'closed.html'), 'utf8');
    for (const form of [
      SECRET,
      Buffer.from(SECRET).toString('base64'),
      Buffer.from(SECRET).toString('hex'),
    ]) {
      expect(page).not.toContain(form);
    }
    expect(typeIn(folder, 'run', 'good.yaml', '--reveal', '--report', 'open.html').status).toBe(0);
    expect(readFileSync(join(folder, 'open.html'), 'utf8')).toContain(Buffer.from(SECRET).toString('base64'));
  });

  it('is written nowhere by halves', () => {
    const { status, stderr } = typeIn(folder, 'run', 'good.yaml', '--report', 'nowhere/report.html');
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('nowhere/report.html') });
  });

  describe.skipIf(!hasBrowser)('in Chromium, from disk, without a network', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await startBrowser();
    });
    afterAll(() => browser?.close());

    async function open(name: string): Promise<{ page: Page; complaints: string[]; asked: string[] }> {
      const { page, complaints } = await openPage(browser);
      await page.context().setOffline(true);
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url().slice(0, 60)));
      await page.goto(pathToFileURL(join(folder, name)).href);
      return { page, complaints, asked };
    }

    it('plays every run, and shows what deviates', async () => {
      typeIn(folder, 'run', 'good.yaml', 'bad.yaml', 'broken.yaml', '--reveal', '--report', 'all.html');
      const { page, complaints, asked } = await open('all.html');
      expect(await page.locator('aside h2').innerText()).toBe(HOSTILE);
      await page.keyboard.press('End');
      expect(await page.locator('.inspector h2').innerText()).toContain('Shell: cat');
      await page.getByRole('tab', { name: 'Guest console' }).click();
      expect(await page.locator('.guest-output').innerText()).toContain(SECRET);
      await page.getByRole('tab', { name: 'Journey of a byte' }).click();
      expect(await page.locator('.place').count()).toBeGreaterThan(5);
      await page.getByRole('combobox', { name: 'Run' }).selectOption({ label: '✘ bad.yaml' });
      expect(await page.locator('.deviation').innerText()).toMatch(
        /-other\n\+nobody may see this\nreproduce with sevlab/,
      );
      await page.getByRole('combobox', { name: 'Run' }).selectOption({ label: '✘ broken.yaml' });
      expect(await page.locator('.deviation').innerText()).toContain('did you mean offer?');
      expect(await page.getByRole('tab', { name: 'Terminal' }).count()).toBe(0);
      expect(await page.title()).not.toBe('1');
      expect(complaints).toEqual([]);
      expect(asked.filter((address) => !/^(file|data):/.test(address))).toEqual([]);
      await page.context().close();
    });

    it('says what a trace without closed bytes has not', async () => {
      typeIn(folder, 'run', 'good.yaml', '--report', 'closed.html');
      const { page } = await open('closed.html');
      await page.keyboard.press('End');
      await page.getByRole('tab', { name: 'Guest console' }).click();
      expect(await page.locator('.guest-output').innerText()).toContain('(19 bytes, not in this trace)');
      await page.context().close();
    });

    it('allows its own script and style, and no other', async () => {
      const { page } = await open('all.html');
      await page.evaluate(
        "const s = document.createElement('script'); s.text = 'document.title = 2'; document.body.append(s)",
      );
      expect(await page.title()).toBe('sevlab: a run, step by step');
      expect(await page.evaluate("fetch('data:,x').then(() => 'fetched', () => 'refused')")).toBe('refused');
      await page.context().close();
    });

    it('stays small on the page however long the trace is', async () => {
      const { status } = typeIn(
        folder,
        'run',
        'long.yaml',
        '--reveal',
        '--report',
        'long.html',
        '--trace',
        'long.jsonl',
      );
      expect(status).toBe(0);
      expect(readFileSync(join(folder, 'long.jsonl'), 'utf8').split('\n').length).toBeGreaterThan(10_000);
      expect(statSync(join(folder, 'long.html')).size).toBeLessThan(12 * 1024 * 1024);
      const { page, complaints } = await open('long.html');
      const shown = async () => Number(await page.locator('.transport .jump input').inputValue());
      await page.keyboard.press('End');
      await expect.poll(shown).toBeGreaterThan(1500);
      const last = await shown();
      for (let i = 0; i < 30; i++) await page.keyboard.press('PageUp');
      await expect.poll(shown).toBe(last - 300);
      expect(await page.locator('.step-row.current').isVisible()).toBe(true);
      expect(await page.locator('.step-row').count()).toBeLessThan(60);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });
});
