import { expect, it } from 'vitest';
import { LaunchRefused, launch } from './index.ts';

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

it('takes a scenario’s words for its options, and no others', () => {
  const options = { policy: ['NODBG', 'ES'], platform: { part: 'milan' }, vcpus: { count: 1 } } as const;
  expect(launch({ ...options, secrets: { [GUID]: 'kept' } }).listSecrets()).toEqual([GUID]);
  expect(() => launch({ firmware: new Uint8Array(4096) })).toThrow(LaunchRefused);
  const misspelt = { seed: 'a', polcy: [] };
  expect(() => launch(misspelt)).toThrow("no option 'polcy'; expected one of seed, clock,");
});

it('says who refused', () => {
  const attack = { packet: { part: 'header', bit: 40 } } as const;
  const hostile = { secrets: { [GUID]: 'kept' }, faults: [{ name: 'flip', at: 'inject', attack }] } as const;
  expect(() => launch(hostile)).toThrow(
    expect.objectContaining({ name: 'LaunchRefused', step: 'inject', status: 'BAD_MEASUREMENT' }),
  );
  const image = { name: 'other image', at: 'launch', attack: { image: { offset: 0, hex: '00' } } } as const;
  expect(() => launch({ faults: [image] })).toThrow(/^verify: the measurement does not match/);
});

it('lets anybody of the guest type, and shows the host its ciphertext', () => {
  const guest = launch({ secrets: { [GUID]: 'kept' } });
  const read = `cat /sys/kernel/security/secrets/coco/${GUID}`;
  expect(guest.run(read, { as: 'auditor' }).output).toBe('kept');
  expect(guest.run(read, { as: 'user' })).toMatchObject({ status: 1 });
  expect(() => guest.run(read, { as: 'nobody' })).toThrow("the guest has no account 'nobody'");
  const { data } = guest.remainsOf(GUID);
  expect(Buffer.from(data).toString()).toBe('kept');
  expect(Buffer.from(guest.hostReads('0x810000', 64)).includes('kept')).toBe(false);
});

it('is given back as it was', () => {
  const guest = launch({ secrets: { [GUID]: 'kept' } });
  const events = guest.trace().length;
  guest.run(`rm /sys/kernel/security/secrets/coco/${GUID}`);
  guest.attack({ flip: { gpa: '0x810000', bit: 0 } });
  expect(guest.trace().length).toBeGreaterThan(events);
  guest.reset();
  expect(guest.trace()).toHaveLength(events);
  expect(guest.listSecrets()).toEqual([GUID]);
  expect(Buffer.from(guest.remainsOf(GUID).data).toString()).toBe('kept');
});
