import { gpa, spa } from '@sevlab/codec/address';
import { LaunchSecretBuffer } from '@sevlab/codec/sev/command';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { createPipeline } from '@sevlab/lab/pipeline';
import { loadScenario } from '@sevlab/lab/scenario/load';
import { runScenario } from '@sevlab/lab/scenario/run';
import { setupOf } from '@sevlab/lab/scenario/setup';
import { validateScenario } from '@sevlab/lab/scenario/validate';
import { PROFILES, type ProfileName } from '@sevlab/psp-sim/profile';
import { sealPacket } from '@sevlab/sev-channel/packet';
import { createHostBuffers, issue, place } from '@sevlab/vmm-sim/command-buffer';
import { expect, it } from 'vitest';
import schema from '../packages/lab/scenario.schema.json' with { type: 'json' };

const file = new URL('../packages/lab/scenarios/kernel-documentation.yaml', import.meta.url).pathname;

it.each(Object.keys(PROFILES) as ProfileName[])(
  'the honest pipeline runs on a platform of profile %s',
  (profile) => {
    const scenario = validateScenario({ ...loadScenario(file).scenario, platform: { profile } });
    const { setup, secrets } = setupOf(scenario, file, { record: false });
    expect(runScenario(scenario, file, setup, secrets).passed).toBe(true);
  },
);

it.each(['naples', 'rome', 'milan', 'genoa'] as const)('and on the part %s, with XEX and with XE', (part) => {
  for (const encryption of ['XEX', 'XE'] as const) {
    const scenario = validateScenario({ ...loadScenario(file).scenario, platform: { part, encryption } });
    const { setup, secrets } = setupOf(scenario, file, { record: false });
    expect(runScenario(scenario, file, setup, secrets).passed).toBe(true);
  }
});

it('without memory encryption the host finds the secret', () => {
  const scenario = validateScenario({ ...loadScenario(file).scenario, platform: { encryption: 'identity' } });
  const { setup, secrets } = setupOf(scenario, file, { record: false });
  const finding = { held: false, expected: 'nowhere', actual: expect.stringMatching(/^at sPA 0x/) };
  expect(runScenario(scenario, file, setup, secrets).results.at(-1)).toMatchObject({ finding });
});

it('a platform of which a scenario says nothing is what the schema has as default', () => {
  const scenario = validateScenario({ version: 1, title: 'x', steps: [{ do: 'offer' }] });
  const { part, profile, encryption } = schema.properties.platform.properties;
  const defaults = { part: part.default, profile: profile.default, encryption: encryption.default };
  expect(setupOf(scenario, '', { record: false }).setup).toMatchObject(defaults);
});

it('every switch of a profile can be set in a scenario', () => {
  const { version: _, ...switches } = PROFILES['genoa-1.55'];
  const properties = schema.properties.platform.properties.switches.properties;
  expect(Object.keys(properties).sort()).toEqual(Object.keys(switches).sort());
  expect(schema.properties.platform.properties.profile.enum).toEqual(Object.keys(PROFILES));
  for (const { version: __, ...values } of Object.values(PROFILES)) {
    const scenario = {
      version: 1,
      title: 'x',
      platform: { switches: values },
      steps: [{ do: 'offer' }],
    } as const;
    expect(() => validateScenario(scenario)).not.toThrow();
  }
});

it.each([
  [16_384, 16_384, 'SUCCESS'],
  [16_384, 16_400, 'INVALID_LENGTH'],
  [20_480, 20_480, 'SUCCESS'],
  [20_480, 20_496, 'INVALID_LENGTH'],
] as const)(
  'with secretMax %i a packet of %i bytes at the mailbox answers %s',
  (secretMax, length, status) => {
    const scenario = { version: 1, title: 'x', platform: { switches: { secretMax } }, steps: [] } as const;
    const pipeline = createPipeline(setupOf(scenario, '', { record: false }).setup);
    pipeline.offer();
    pipeline.launch();
    const { measurement } = pipeline.measure();
    const { tek, tik } = [...pipeline.actors.secureProcessor.state.guests.values()][0]!.channel;
    const plaintext = new Uint8Array(length).fill(7);
    const sealed = sealPacket({
      tek,
      tik,
      measure: measurement.slice(0, 32),
      iv: new Uint8Array(16),
      plaintext,
    });
    // KVM takes no more than 16,384 bytes, whatever the AMD-SP would
    const { host } = pipeline.actors.machine;
    const { guest, handle } = pipeline.progress.launching!.record;
    const buffers = createHostBuffers();
    buffers.next = spa(buffers.next + 0x100_0000n); // behind those of the VMM
    const header = PacketHeader.encode(sealed.header);
    const buffer = {
      handle,
      ...{ hdrPaddr: place(host, buffers, header), hdrLen: header.length },
      ...{ guestPaddr: host.locate(guest, gpa(0x100_0000n), length)[0]!.spa!, guestLen: length },
      ...{ transPaddr: place(host, buffers, sealed.data), transLen: length },
    };
    expect(issue(host, buffers, 'LAUNCH_SECRET', LaunchSecretBuffer, buffer).status).toBe(status);
  },
);
