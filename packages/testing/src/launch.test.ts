import { expect, it } from 'vitest';
import { launch } from './index.ts';

const GUID = '736869e5-84f0-4973-92ec-06879ce3da0b';

it('gives a guest that has the secret, which the host never finds', () => {
  const guest = launch({ secrets: { [GUID]: 'correct horse battery staple' } });
  expect(guest.run(`cat /sys/kernel/security/secrets/coco/${GUID}`).output).toBe(
    'correct horse battery staple',
  );
  expect(Buffer.from(guest.readSecret(GUID)).toString()).toBe('correct horse battery staple');
  expect(guest.hostFinds('correct horse')).toBe(false);
  expect(guest.dmesg().join('\n')).toContain(
    'efi_secret efi_secret.0: Created 1 entries in securityfs secrets/coco',
  );
});

it('forks: one guest wipes its secret, the other keeps it', () => {
  const guest = launch({ secrets: { [GUID]: 'kept' } });
  const other = guest.fork();
  expect(other.run(`rm /sys/kernel/security/secrets/coco/${GUID}`).status).toBe(0);
  expect(() => other.readSecret(GUID)).toThrow('ENOENT');
  expect(Buffer.from(guest.readSecret(GUID)).toString()).toBe('kept');
});

it('is the same guest for the same seed', () => {
  const measurementOf = (seed: string) =>
    launch({ seed })
      .trace()
      .find((event) => event.type === 'message' && event.name === 'measurement')?.open?.measurement;
  expect(measurementOf('a')).toHaveLength(48);
  expect(measurementOf('a')).toEqual(measurementOf('a'));
  expect(measurementOf('a')).not.toEqual(measurementOf('b'));
});

it('takes any kernel that there is, and any number of secrets', () => {
  expect(launch({ linux: '7.3' }).run('ls /sys/kernel/security/secrets/coco')).toMatchObject({
    output: '',
    status: 0,
  });
  expect(() => launch({ linux: '1.0' })).toThrow("there is no kernel '1.0'");
  expect(() => launch({ secrets: { nonsense: '' } })).toThrow("malformed GUID 'nonsense'");
});
