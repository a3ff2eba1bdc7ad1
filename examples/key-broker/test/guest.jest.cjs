const { launch } = require('@sevlab/testing');
const { matchers } = require('@sevlab/testing/matchers');

const LUKS = '736869e5-84f0-4973-92ec-06879ce3da0b';
expect.extend(matchers);

describe('an application that takes its secret and wipes it', () => {
  const guest = launch({ secrets: { [LUKS]: 'open sesame' } });
  beforeEach(() => guest.reset());
  afterEach(() => guest.done());

  test('finds it', () => {
    expect(guest).toHaveSecret(LUKS, 'open sesame');
  });

  test('leaves nothing', () => {
    expect(guest.run(`rm /sys/kernel/security/secrets/coco/${LUKS}`).status).toBe(0);
    expect(guest).toHaveWiped(LUKS);
  });

  test('has it again in the next test', () => {
    expect(guest).not.toHaveWiped(LUKS);
  });
});
