import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import vectors from '../../test/vectors/vmsas.json' with { type: 'json' };
import { fromHex, toHex } from '../bytes.ts';
import { type CpuModel, cpuSignature, encodeInitialVmsa, RESET_VECTOR, Vmsa, type VmsaForm } from './vmsa.ts';

/** The page, from its words that are not zero. */
function pageOf(nonzero: Record<string, string | undefined>): Uint8Array {
  const page = new Uint8Array(4096);
  for (const [offset, word] of Object.entries(nonzero)) page.set(fromHex(word ?? ''), Number(offset));
  return page;
}

describe.each(vectors.cases)(
  '$from, vCPU $cpu of model $model',
  ({ model, reset, form, nonzero, sha256 }) => {
    const page = pageOf(nonzero);
    const signature = model === undefined ? 0 : cpuSignature(model);
    const build = (of: VmsaForm): string =>
      toHex(encodeInitialVmsa({ reset: Number(reset), cpuSignature: signature, form: of }));

    test('its words make the page that it wrote', () => {
      expect(createHash('sha256').update(page).digest('hex')).toBe(sha256);
    });

    test(`${form}: the same page, and the other form is another`, () => {
      const [same, other]: VmsaForm[] = form === 'legacy' ? ['legacy', 'init2'] : ['init2', 'legacy'];
      expect(build(same!)).toBe(toHex(page));
      expect(build(other!)).not.toBe(toHex(page));
    });

    test('every word that it set has a field', () => {
      expect(toHex(Vmsa.encode(Vmsa.decode(page)))).toBe(toHex(page));
    });
  },
);

test('both forms, boot CPU and application processors, with and without a model, were compared', () => {
  const kinds = vectors.cases.map(
    ({ form, cpu, model }) =>
      `${form} ${cpu === 0 ? 'boot' : 'application'}${model === undefined ? '' : ' model'}`,
  );
  expect([...new Set(kinds)]).toEqual([
    'legacy boot',
    'legacy boot model',
    'legacy application model',
    'init2 boot model',
    'init2 application model',
  ]);
});

test('the forms differ in MXCSR and the x87 control word alone', () => {
  const [legacy, init2] = (['legacy', 'init2'] as const).map((form) =>
    Vmsa.decode(encodeInitialVmsa({ reset: RESET_VECTOR, cpuSignature: 0, form })),
  );
  expect(init2).toEqual({ ...legacy, mxcsr: 0x1f80, x87Fcw: 0x037f });
  expect(legacy).toMatchObject({ mxcsr: 0, x87Fcw: 0 });
});

test.each([
  [0x8000_0000, 0x8000_0000n, 0n],
  [0x1234_5678, 0x1234_0000n, 0x5678n],
  [0x0000_ffff, 0n, 0xffffn],
])('reset address %i: the base of CS has its upper half, RIP the lower', (reset, base, rip) => {
  const vmsa = Vmsa.decode(encodeInitialVmsa({ reset, cpuSignature: 0, form: 'legacy' }));
  expect(vmsa.cs).toEqual({ selector: 0xf000, attrib: 0x9b, limit: 0xffff, base });
  expect(vmsa.rip).toBe(rip);
});

test.each([-1, 0.5, 2 ** 32, Number.NaN])('%d is refused as reset address and as CPU signature', (number) => {
  const good = { reset: RESET_VECTOR, cpuSignature: 0, form: 'legacy' } as const;
  expect(() => encodeInitialVmsa({ ...good, reset: number })).toThrow(RangeError);
  expect(() => encodeInitialVmsa({ ...good, cpuSignature: number })).toThrow(RangeError);
});

/** CPUID of real processors (0x800f12 is Naples, 0x306a9 one of Intel's), and the limits of the fields. */
test.each<[CpuModel, number]>([
  [{ family: 23, model: 1, stepping: 2 }, 0x80_0f12],
  [{ family: 23, model: 49, stepping: 0 }, 0x83_0f10],
  [{ family: 25, model: 1, stepping: 1 }, 0xa0_0f11],
  [{ family: 25, model: 17, stepping: 0 }, 0xa1_0f10],
  [{ family: 15, model: 6, stepping: 1 }, 0x0f61],
  [{ family: 16, model: 4, stepping: 3 }, 0x10_0f43],
  [{ family: 6, model: 58, stepping: 9 }, 0x03_06a9],
  [{ family: 270, model: 255, stepping: 15 }, 0x0fff_0fff],
])('%o has the signature %i', (model, signature) => {
  expect(cpuSignature(model)).toBe(signature);
});

test.each(['family', 'model', 'stepping'] as const)('a %s that does not fit is refused, not cut', (field) => {
  const most = { family: 270, model: 255, stepping: 15 };
  for (const value of [-1, 0.5, most[field] + 1]) {
    expect(() => cpuSignature({ ...most, [field]: value })).toThrow(
      `CPU ${field}: expected an integer from 0 to ${most[field]}, got ${value}`,
    );
  }
});
