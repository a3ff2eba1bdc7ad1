import fc from 'fast-check';
import { expect, expectTypeOf, test } from 'vitest';
import { fillForm, fixedLength, type Places, readForm } from './message-form.ts';

test('a form is filled in and found again, wherever it stands', () => {
  const form = "failed ret={ret} fw_error={status} '{text}'";
  const said = fillForm(form, { ret: -5, status: 11, text: 'Bad measurement' });
  expect(said).toBe("failed ret=-5 fw_error=11 'Bad measurement'");
  expect(readForm(form, `qemu: ${said}, it says`)).toEqual({
    ret: '-5',
    status: '11',
    text: 'Bad measurement',
  });
  expect(readForm(form, 'failed ret=-5')).toBeUndefined();
});

test('what is no place is meant letter by letter', () => {
  expect(readForm('state. (LSECRET) {n}', 'state. (LSECRET) 3')).toEqual({ n: '3' });
  expect(readForm('state. (LSECRET) {n}', 'stateX LSECRET 3')).toBeUndefined();
  expect(readForm('KVM not enabled', 'KVM not enabled')).toEqual({});
});

test('a place at the end takes the rest, one named twice the same twice', () => {
  expect(readForm('at {place}: {why}', 'at a: b: c')).toEqual({ place: 'a', why: 'b: c' });
  expect(readForm('{a} {b}: with {a} failed', 'x y: with x failed')).toEqual({ a: 'x', b: 'y' });
  expect(readForm('{a} {b}: with {a} failed', 'x y: with z failed')).toBeUndefined();
  expect(fixedLength('at {place}: {why}')).toBe(5);
});

test('whatever stands in a place, even what looks like one, comes back', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (why, length) => {
      const form = 'mnonce is {why} (got {length}';
      fc.pre(!why.includes(' (got '));
      expect(readForm(form, fillForm(form, { why, length }))).toEqual({ why, length });
    }),
  );
});

test('each place is named in the type', () => {
  expectTypeOf<keyof Places<'a {b} {c}'>>().toEqualTypeOf<'b' | 'c'>();
  // @ts-expect-error a place is missing
  expect(fillForm('a {b}', {})).toBe('a undefined');
});
