import { chromium } from 'playwright-core';
const [hash, out, width='1440', height='900', theme='light', ...keys] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--disable-dev-shm-usage','--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: +width, height: +height }, colorScheme: theme });
page.on('console', m => console.log('console:', m.text())); page.on('pageerror', e => console.log('error:', e.message));
await page.goto(`http://127.0.0.1:8040/${hash}`); await page.waitForTimeout(700);
for (const k of keys) { if (k.startsWith('click:')) await page.click(k.slice(6)); else if (k.startsWith('wait:')) await page.waitForTimeout(+k.slice(5)); else if (k.startsWith('type:')) await page.keyboard.type(k.slice(5)); else await page.keyboard.press(k); await page.waitForTimeout(150); }
await page.waitForTimeout(200);
await page.screenshot({ path: out }); await browser.close();
