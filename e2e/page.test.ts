import { readFileSync } from 'node:fs';
import { TOUR } from '@sevlab/story/lessons/tour';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasBrowser, openPage } from './test/browser.ts';
import { labInBrowser } from './test/lab-in-browser.ts';
import { startProxy } from './test/tcp-proxy.ts';

const transcript = readFileSync(new URL('./test/vectors/kernel-doc-example.txt', import.meta.url), 'utf8');

describe.skipIf(!hasBrowser)('the page in Chromium', () => {
  const lab = labInBrowser();

  /** Runs a test on a page of its own; a script that fails, or a resource that is refused, fails it, unless it is meant. */
  async function on(hash: string, test: (page: Page) => Promise<void>, refusals = 0): Promise<void> {
    const { page, complaints } = await openPage(lab.browser);
    await page.goto(`${lab.url}/${hash}`);
    await test(page);
    const isRefusal = (text: string) => text.includes('the server responded with a status of 400');
    expect(complaints.filter((text) => !isRefusal(text))).toEqual([]);
    expect(complaints.filter(isRefusal)).toHaveLength(refusals);
    await page.context().close();
  }

  const heading = (page: Page) => page.locator('.lesson h2').first().innerText();
  const stepTitle = (page: Page) => page.locator('.inspector h2').innerText();

  it('tells the whole story in ten presses of the right arrow', () =>
    on('', async (page) => {
      await page.locator('.lesson').waitFor();
      expect(await page.locator('.simulated').innerText()).toBe('simulated');
      const told = [await heading(page)];
      for (const { title } of TOUR.stops.slice(1)) {
        await page.keyboard.press('ArrowRight');
        await page.getByRole('heading', { name: title, exact: true }).waitFor();
        told.push(await heading(page));
      }
      expect(told).toEqual(TOUR.stops.map(({ title }) => title));
      expect(told).toHaveLength(11);
      await page.getByRole('tab', { name: 'Guest console' }).click();
      expect(await page.locator('.guest-output').innerText()).toContain('|these-are-the-ka|');
      await page.keyboard.press('ArrowRight'); // there is nothing behind the last stop
      expect(await heading(page)).toBe(TOUR.stops.at(-1)?.title);
    }));

  it('shows the checks of LAUNCH_SECRET, its structures byte by byte, and who reads them', () =>
    on('#/play/kernel-documentation?step=20', async (page) => {
      expect(await stepTitle(page)).toContain('LAUNCH_SECRET');
      expect(await page.locator('.checks li').count()).toBeGreaterThan(10);
      const clause = page.locator('.inspector').getByRole('link', { name: '55766, LAUNCH_SECRET' });
      expect(await clause.getAttribute('href')).toContain('55766_SEV-KM_API_Specification.pdf');
      await page.getByRole('button', { name: /^packet header/ }).click();
      await page.getByRole('button', { name: /mac/ }).hover();
      expect(await page.locator('.hex-rows .byte.marked').count()).toBe(32);
      await page.locator('.hex-rows [role=gridcell]').first().click();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('.byte-reading p').first().innerText()).toContain('iv, byte 14 of 16');
      expect(page.url()).toMatch(/step=20&panel=packet-header&byte=17$/);
      await page.getByRole('button', { name: 'hex', exact: true }).click();
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(/^00000000[0-9a-f]{96}$/);
    }));

  it('gives the same view to whoever gets the link', () =>
    on('#/play/attacks/a05-packet-again?seed=class&step=25&panel=memory&byte=0x810000%2B16', async (page) => {
      await page.locator('.eye').first().waitFor();
      const seen = await page.locator('.eye').allInnerTexts();
      await page.getByRole('button', { name: 'Copy link' }).click();
      const link = await page.evaluate<string>('navigator.clipboard.readText()');
      const { page: other } = await openPage(lab.browser);
      await other.goto(link);
      await other.locator('.eye').first().waitFor();
      expect(await other.locator('.eye').allInnerTexts()).toEqual(seen);
      expect(await stepTitle(other)).toBe(await stepTitle(page));
      await other.context().close();
    }));

  it('shows noise to host and device where the guest reads a secret', () =>
    on('#/play/kernel-documentation?step=26&panel=memory&byte=0x810000', async (page) => {
      await page.getByLabel('A device reads').check();
      const textOf = (name: string) => page.getByRole('grid', { name: `${name} at 0x810000` }).innerText();
      const [host, guest, device] = [
        await textOf('The host reads'),
        await textOf('The guest reads'),
        await textOf('A device reads'),
      ];
      expect(guest).toContain('42'); // 1e74f542 of the table's header, little-endian
      expect(host).not.toBe(guest);
      expect(device.replaceAll('ciphertext', '')).toBe(host.replaceAll('ciphertext', ''));
      expect(await page.locator('.eye.party-host .byte.cipher').count()).toBeGreaterThan(100);
      expect(await page.locator('.eye.party-guest .byte.cipher').count()).toBe(0);
    }));

  it('follows a byte from the guest owner to zero', () =>
    on(
      '#/play/kernel-documentation?step=29&panel=journey&byte=e6f5a162-d67f-4750-a67c-5d065f2a9910%2B0',
      async (page) => {
        await page.locator('.place').first().waitFor();
        const places = await page.locator('.place-title').allInnerTexts();
        expect(places).toEqual([
          'With the guest owner',
          'In the secret table',
          'In the packet',
          'In a buffer of the host',
          'In the cells of DRAM',
          'In the private memory of the guest',
          'In a file',
          'Wiped',
          'The ciphertext of zero',
        ]);
        const bytes = await page.locator('.big-byte').allInnerTexts();
        expect(bytes.map((text) => text.slice(0, 2))).toEqual(
          [
            '74',
            '74',
            bytes[2]?.slice(0, 2),
            bytes[2]?.slice(0, 2),
            bytes[4]?.slice(0, 2),
            '74',
            '74',
          ].concat(['○', bytes[8]?.slice(0, 2) ?? '']),
        );
        await page.getByRole('button', { name: /In the packet/ }).click();
        expect(await stepTitle(page)).toContain('sealed secrets');
      },
    ));

  it('asks before it shows what an attack comes to', () =>
    on('#/attacks', async (page) => {
      await page.getByRole('link', { name: /A MAC that was made up/ }).click();
      await page.locator('.question').waitFor();
      expect(await page.locator('.reveal').count()).toBe(0);
      expect(await page.locator('.inspector').innerText()).not.toContain('BAD_MEASUREMENT');
      await page.locator('.question button').last().click();
      expect(await page.locator('.reveal').innerText()).toContain('Caught: AMD-SP');
      expect(await page.locator('.checks .decided').innerText()).toContain('BAD_MEASUREMENT');
      expect(await page.locator('.question .right').count()).toBe(1);
    }));

  it('lets a student repair a launch, and says when it is done', () =>
    on(
      '#/exercises/padding',
      async (page) => {
        await page.getByRole('button', { name: 'Run' }).click();
        await page.getByText('Not yet').waitFor();
        expect(await page.locator('.checks .decided').innerText()).toContain('INVALID_LENGTH');
        await page.getByRole('button', { name: 'Hint' }).click();
        expect(await page.locator('.look').count()).toBe(1);
        await page.getByRole('textbox', { name: 'padding.yaml' }).fill('version: 1\nsteps: [{ do: ofer }]\n');
        await page.getByRole('button', { name: 'Run' }).click();
        await page.getByText('did you mean').waitFor();
        await page.getByRole('button', { name: 'Solution' }).click();
        await page.getByRole('button', { name: 'Run' }).click();
        await page.getByText('Solved').waitFor();
      },
      1,
    ));

  /** Starts a live session with what the form has, and boots it. */
  async function boot(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByRole('button', { name: 'Boot' }).click();
    await page.getByRole('textbox', { name: 'Terminal input' }).waitFor();
  }

  /** What a person reads in the terminal. */
  const screen = async (page: Page): Promise<string> =>
    (await page.locator('.xterm-rows > div').allInnerTexts())
      .map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();

  it('types the session of the kernel documentation into a guest, and reads it there', () =>
    on('#/live', async (page) => {
      await page.setViewportSize({ width: 1440, height: 1600 });
      await boot(page);
      for (const line of transcript.split('\n').filter((text) => text.startsWith('# '))) {
        await page.keyboard.type(line.slice(2));
        await page.keyboard.press('Enter');
      }
      await expect.poll(() => screen(page), { timeout: 10_000 }).toBe(`${transcript.trimEnd()}\n#`);
    }));

  it('lets the host act by hand, and shows that it reads noise', () =>
    on(
      '#/live',
      async (page) => {
        await boot(page);
        await page.getByRole('tab', { name: 'Host console' }).click();
        await page.getByRole('button', { name: 'Do it' }).click();
        await page.locator('.answers .hex-row').first().waitFor();
        await page.getByLabel('What the host does').selectOption('command');
        await page.getByRole('button', { name: 'Do it' }).click();
        await page.locator('.answers').getByText('status SUCCESS').waitFor();
        await page.getByLabel('What the host does').selectOption('read');
        await page.getByLabel('GPA, or spa: and sPA').fill('nowhere');
        await page.getByRole('button', { name: 'Do it' }).click();
        await expect.poll(() => page.getByRole('alert').innerText()).toContain('expected an address');
        await page.getByRole('button', { name: 'End session' }).click();
        await page.getByText('A machine of your own').waitFor();
      },
      1,
    ));

  it('says that the connection is lost, and goes on where it was', async () => {
    const proxy = await startProxy(new URL(lab.url).port);
    const { page } = await openPage(lab.browser);
    await page.goto(`http://127.0.0.1:${proxy.port}/#/live`);
    await boot(page);
    proxy.cut();
    await page.getByText('The connection to the lab is lost').waitFor();
    await proxy.mend();
    await page.getByText('The connection to the lab is lost').waitFor({ state: 'hidden' });
    await page.locator('.xterm').click();
    await page.keyboard.type('echo still here');
    await page.keyboard.press('Enter');
    await expect.poll(() => screen(page)).toContain('\nstill here\n');
    expect((await screen(page)).match(/^# /gm)).toHaveLength(1); // nothing came twice
    await page.context().close();
    proxy.close();
  });

  it('can be used without a mouse', () =>
    on('', async (page) => {
      await page.locator('.lesson').waitFor();
      const reach = async (name: string) => {
        for (let i = 0; i < 80; i++) {
          await page.keyboard.press('Tab');
          const focused = await page.evaluate<string>(
            "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.innerText ?? ''",
          );
          if (focused.includes(name)) return;
        }
        throw new Error(`Tab never came to ${name}`);
      };
      await reach('Skip to the content');
      await reach('Live');
      await page.keyboard.press('Enter');
      await reach('Start');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Boot' }).waitFor();
      await reach('Boot');
      await page.keyboard.press('Enter');
      await page.getByRole('textbox', { name: 'Terminal input' }).waitFor();
      await page.keyboard.type('id');
      await page.keyboard.press('Enter');
      await expect.poll(() => screen(page)).toContain('uid=0(root)');
      await page.keyboard.press('Escape');
    }));

  it('asks for nothing from anywhere else', () =>
    on('', async (page) => {
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.reload();
      await page.locator('.lesson').waitFor();
      expect(asked.length).toBeGreaterThan(3);
      expect(asked.filter((address) => !address.startsWith(lab.url))).toEqual([]);
    }));

  it('fits a phone, and a page at 200 %', async () => {
    for (const width of [360, 720]) {
      const { page } = await openPage(lab.browser, { width, height: 800 });
      for (const hash of ['', '#/attacks/mac-forged', '#/live', '#/reference/statuses']) {
        await page.goto(`${lab.url}/${hash}`);
        await page.locator('main h2').first().waitFor();
        expect(await page.evaluate<number>('document.documentElement.scrollWidth'), hash).toBe(width);
      }
      await page.context().close();
    }
  });
});
