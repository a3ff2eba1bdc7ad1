import { fileURLToPath } from 'node:url';
import { allCases } from '@sevlab/conformance/cases';
import { runCases } from '@sevlab/conformance/run';
import { linuxTarget } from '@sevlab/conformance/targets/linux';
import { findGuestParts } from '@sevlab/real-guest/guest-parts';
import { expect, it } from 'vitest';
import { realKernelIsThere } from './test/real-kernel.ts';

const folder = fileURLToPath(new URL('../packages/real-guest', import.meta.url));

it.runIf(realKernelIsThere)(
  'a real kernel passes every case that is for it',
  { timeout: 600_000 },
  async () => {
    const target = await linuxTarget(findGuestParts(folder)!);
    const cases = allCases().filter(({ room }) => room === 'kernel');
    const results = await runCases(cases, target);
    expect(results.filter(({ outcome }) => outcome === 'fail')).toEqual([]);
    const passed = results.filter(({ outcome }) => outcome === 'pass').length;
    const skipped = results.filter(({ outcome }) => outcome === 'skip');
    process.stderr.write(`${passed} cases pass on ${target.name}, ${skipped.length} are not for it\n`);
    expect(skipped.length).toBeLessThan(15);
  },
);
