import { expect, it } from 'vitest';
import { exposure } from './serve.ts';

it('says what somebody opens to others, and under which names', () => {
  const text = exposure('0.0.0.0', ['class.example', 'lab.example']);
  for (const words of [
    '0.0.0.0',
    'without a password',
    'no TLS',
    'loopback, 0.0.0.0, class.example, lab.example',
  ])
    expect(text).toContain(words);
});
