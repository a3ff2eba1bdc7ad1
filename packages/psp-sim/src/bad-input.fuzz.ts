import fc from 'fast-check';
import { expect, test } from 'vitest';
import { damage, goodCommands, runDamaged } from '../test/damaged-input.ts';

test.each(goodCommands())('$name answers truncated, oversized, damaged and random input', (given) => {
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 2 }), (damages) => {
      expect(runDamaged(given, damages)).toMatchObject({ fits: true });
    }),
  );
});
