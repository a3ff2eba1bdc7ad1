import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { allCases } from '@sevlab/conformance/cases';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeIn } from './test/command-line.ts';
import { HeadlessPage } from './test/headless-page.ts';
import { optionalProgram } from './test/optional-program.ts';

const chromiumIsThere = optionalProgram('chromium', 'apt-get install --no-install-recommends chromium');

const folder = mkdtempSync(join(tmpdir(), 'sevlab-report-'));
const file = join(folder, 'report.html');
const read = (): string => readFileSync(file, 'utf8');

beforeAll(() => {
  typeIn(folder, '--version'); // a fresh checkout installs and bundles first, and says so
  expect(typeIn(folder, 'conform', '--report', 'report.html').status).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has every case, at an anchor of its own, in less than 2.5 kB each', () => {
  const anchors = [...read().matchAll(/<details id="([^"]*)"/g)].map(([, id]) => id);
  expect(anchors.toSorted()).toEqual(
    allCases()
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(statSync(file).size).toBeLessThan(2_500 * anchors.length);
});

it('shows the bytes of the case as the structures have them', () => {
  const one = /<details id="LSE-19"[\s\S]*?<\/details>/.exec(read())?.[0] ?? '';
  expect(one).toContain('LAUNCH_SECRET command buffer, 56 bytes');
  expect(one).toMatch(/<i>0018<\/i> {2}00 00 10 00 01 00 00 00\t<b>guestPaddr<\/b>0x100100000/);
  expect(one).toContain('LAUNCH_SECRET packet header, 52 bytes');
  expect(one).toContain('<pre class="answer">BAD_MEASUREMENT</pre>');
  const every = [...read().matchAll(/<details id="([^"]*)"[\s\S]*?<\/details>/g)];
  expect(every.filter(([text]) => !text.includes('<h4>')).map(([, id]) => id)).toEqual([]);
});

it('is the same each time', () => {
  const again = () =>
    typeIn(folder, 'conform', '--report', '-', 'LSE-19', 'SND-05', 'INJ-01', 'CHN-01').stdout;
  expect(again()).toContain('<details id="INJ-01"');
  expect(again()).toBe(again());
});

describe.runIf(chromiumIsThere)('in a browser', () => {
  let page: HeadlessPage;
  beforeAll(async () => {
    page = new HeadlessPage();
    await page.open(`${pathToFileURL(file)}#LSE-19`);
  }, 60_000);
  afterAll(() => page.close());

  const count = () => page.value("document.querySelector('output').value");
  const visible =
    "[...document.querySelectorAll('main details')].filter((one) => one.offsetHeight > 0).map(({ id }) => id)";
  const shown = () => page.value(`${visible}.length`);
  const all = allCases().length;

  it('opens the case of its address, and asks for nothing else', async () => {
    expect(await page.value("[...document.querySelectorAll('details[open]')].map((one) => one.id)")).toEqual([
      'LSE-19',
    ]);
    expect(await count()).toBe(`${all} of ${all} cases`);
    expect(page.complaints).toEqual([]);
    expect(page.requests.filter((url) => !url.startsWith(pathToFileURL(file).href))).toEqual([]);
  });

  it('is filtered by words, also those of a clause and of bytes, and by keys', async () => {
    await page.press('/');
    await page.type('efi_secret_securityfs_setup FOUR files');
    expect(await page.value(visible)).toContain('PRS-01');
    const found = Number(await shown());
    expect(found).toBeLessThan(10);
    expect(await count()).toBe(`${found} of ${all} cases`);
    await page.press('Escape');
    await page.press('/');
    await page.type('dae9d0de686c5d76'); // the first bytes of a MAC
    const blocks = [...read().matchAll(/<details id="([^"]*)"[\s\S]*?<\/details>/g)];
    const having = blocks.filter(([text]) => text.includes('dae9d0de686c5d76')).map(([, id]) => id);
    expect(having).toContain('LSE-19');
    expect(await page.value(visible)).toEqual(having);
    await page.press('Escape');
    expect(await shown()).toBe(all);
    await page.press('/');
    await page.type('no word of this is in any case');
    expect(await shown()).toBe(0);
    await page.press('Escape');
  });

  it('is filtered by outcome', async () => {
    await page.value("document.querySelector('button[value=passed]').click()");
    expect(await shown()).toBe(all);
    await page.value("document.querySelector('main details').className = 'failed psp'");
    await page.value("document.querySelector('button[value=passed]').click()");
    await page.value("document.querySelector('button[value=passed]').click()");
    expect(await shown()).toBe(all - 1);
    await page.value("document.querySelector('button[value=passed]').click()");
  });

  it('is walked and opened without a mouse', async () => {
    await page.value("document.querySelector('details').open = false; document.activeElement.blur()");
    await page.press('j');
    await page.press('j');
    await page.press('k');
    const isFirst = "document.activeElement.parentElement === document.querySelector('main details')";
    expect(await page.value(isFirst)).toBe(true);
    await page.press('Enter');
    expect(await page.value('document.activeElement.parentElement.open')).toBe(true);
  });

  it('lets nothing else run', async () => {
    await page.value(
      "{ const one = document.createElement('script'); one.textContent = 'window.foreign = 1'; document.body.append(one) }",
    );
    expect(await page.value('window.foreign')).toBeUndefined();
    expect(page.complaints.join()).toContain('Content Security Policy');
  });
});
