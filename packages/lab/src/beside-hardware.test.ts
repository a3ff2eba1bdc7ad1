import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hardwareConcern } from './beside-hardware.ts';

it('is silent on a machine without the device, and refuses beside it unless told', () => {
  const device = join(mkdtempSync(join(tmpdir(), 'sevlab-')), 'sev');
  expect(hardwareConcern(false, device)).toBeUndefined();
  writeFileSync(device, '');
  expect(hardwareConcern(false, device)).toContain('try --beside-hardware');
  expect(hardwareConcern(true, device)).toBeUndefined();
});
