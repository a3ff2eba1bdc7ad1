import { expect, test } from 'vitest';
import { parseRoute, type Route, routeHash, START } from './route.ts';

const ROUTES: readonly Route[] = [
  { view: 'tour', stop: 4 },
  { view: 'tour', stop: 4, at: { step: 20, panel: 'memory', byte: '0x810000' } },
  { view: 'play', scenario: 'attacks/a05-packet-again', seed: 'a b&c=%', at: { step: 12 } },
  { view: 'play', scenario: 'kernel-documentation', at: { step: 0, panel: 'LAUNCH_SECRET command buffer' } },
  { view: 'attacks' },
  { view: 'attacks', lesson: 'mac-forged', at: { step: 3 } },
  { view: 'exercises', lesson: 'padding' },
  { view: 'exercises' },
  { view: 'live' },
  { view: 'live', session: 'a1b2' },
  { view: 'reference', topic: 'statuses' },
  { view: 'reference' },
];

test.each(ROUTES)('a link leads back to $view', (route) => {
  expect(parseRoute(routeHash(route))).toEqual(route);
});

test.each(['', '#', '#/', '#/nowhere/at/all', '#/play'])('"%s" leads to the start', (hash) => {
  expect(parseRoute(hash)).toEqual(START);
});

test('numbers that are none are left out', () => {
  expect(parseRoute('#/tour/-1?step=1.5')).toEqual(START);
  expect(parseRoute('#/tour/2?step=')).toEqual({ view: 'tour', stop: 2 });
  expect(parseRoute('#/play/x%zz?step=9999999999999999999')).toEqual({
    view: 'play',
    scenario: 'x%zz',
    at: { step: 0 },
  });
});
