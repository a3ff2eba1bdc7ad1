import { expect, test } from 'vitest';
import vectors from '../../test/vectors/session.json' with { type: 'json' };
import { fromHex, toHex } from '../bytes.ts';
import { LaunchMeasurement, LaunchSession } from './session.ts';

const hexValues = (value: Record<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries(Object.entries(value).map(([name, bytes]) => [name, toHex(bytes)]));

test('a session of another program comes apart into the parts it was made of', () => {
  const { blob, ...parts } = vectors.session;
  expect(hexValues(LaunchSession.decode(fromHex(blob)))).toEqual(parts);
});

test('a measurement of another program comes apart: the HMAC first, then the nonce', () => {
  const { blob, ...parts } = vectors.measurement;
  expect(hexValues(LaunchMeasurement.decode(fromHex(blob)))).toEqual(parts);
});
