import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedStore } from './bounded-store.ts';

it('drops what was not asked for the longest', () => {
  const store = new BoundedStore<string>(3, () => 1);
  for (const name of ['a', 'b', 'c']) store.set(name, name.toUpperCase());
  expect(store.get('a')).toBe('A');
  store.set('d', 'D');
  expect(['a', 'b', 'c', 'd'].map((name) => store.get(name))).toEqual(['A', undefined, 'C', 'D']);
});

it('does not keep what is too heavy, and replaces what has the name', () => {
  const store = new BoundedStore<string>(5, ({ length }) => length);
  store.set('a', '123');
  store.set('a', '12');
  store.set('b', '345');
  expect([store.get('a'), store.get('b')]).toEqual(['12', '345']);
  store.set('c', '123456');
  expect(store.get('c')).toBeUndefined();
});

it('never weighs more than its limit, and gives back what was put last', () => {
  const values = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(12)));
  fc.assert(
    fc.property(values, (puts) => {
      const store = new BoundedStore<number>(20, (value) => value);
      const last = new Map<string, number>();
      for (const [name, value] of puts) {
        store.set(name, value);
        last.set(name, value);
        expect(store.get(name)).toBe(value);
        const kept = [...last.keys()].map((each) => [each, store.get(each)] as const);
        const weight = kept.reduce((sum, [, each = 0]) => sum + each, 0);
        expect(weight).toBeLessThanOrEqual(20);
        for (const [each, what] of kept) if (what !== undefined) expect(what).toBe(last.get(each));
      }
    }),
  );
});
