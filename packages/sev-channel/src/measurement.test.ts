import { concat, fromBase64, fromHex, toBase64, toHex } from '@sevlab/codec/bytes';
import { describe, expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import sevTool from '../test/vectors/sev-tool-calc-measurement.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-measurement-build.json' with { type: 'json' };
import libvirt from '../test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { bindsLaunch, measureLaunch } from './measurement.ts';

test('the model: with its TIK, and with the zero key of a launch without session', () => {
  const { api_major: apiMajor, api_minor: apiMinor, build, launch_digest, mnonce, measure } = model.measure;
  const input = {
    version: { apiMajor, apiMinor, build },
    policy: Number.parseInt(model.session.policy, 16),
    digest: fromHex(launch_digest),
    mnonce: fromHex(mnonce),
  };
  expect(toHex(measureLaunch({ ...input, tik: fromHex(model.session.tik) }))).toBe(measure);
  const byHost = measureLaunch({ ...input, tik: new Uint8Array(16) });
  expect(toHex(byHost)).toBe(model.no_session_zero_keys.measure_with_zero_tik);
});

describe('sev-tool', () => {
  test.each(sevTool.cases)('API $args', ({ args, form, 'calc_measurement_out.bin': answer }) => {
    const number = (i: number) => Number.parseInt(args[i]!, 16);
    const version = { apiMajor: number(1), apiMinor: number(2), build: number(3) };
    const measured = measureLaunch({
      version,
      policy: number(4),
      digest: fromHex(args[5]!),
      mnonce: fromHex(args[6]!),
      tik: fromHex(args[7]!),
    });
    expect(toHex(measured)).toBe(answer);
    expect(bindsLaunch(version)).toBe(form === 'current');
  });
});

describe('sevctl', () => {
  test.each(sevctl.cases)('$name', ({ inputs, launch_measure_blob_base64 }) => {
    const mnonce = fromHex(inputs.mnonce);
    const measured = measureLaunch({
      tik: fromHex(inputs.tik),
      version: { apiMajor: inputs.api[0]!, apiMinor: inputs.api[1]!, build: inputs.build & 0xff },
      policy: inputs.policy,
      digest: fromHex(inputs.launch_digest),
      mnonce,
    });
    expect(toBase64(concat(measured, mnonce))).toBe(launch_measure_blob_base64);
  });
});

describe('virt-qemu-sev-validate', () => {
  test.each(libvirt.cases)('$name: exit $exit', ({ measurement, exit, ...c }) => {
    const mnonce = fromHex(c.mnonce);
    const measured = measureLaunch({
      tik: fromHex(c.tik),
      version: { apiMajor: c.api[0]!, apiMinor: c.api[1]!, build: c.build },
      policy: c.policy,
      digest: fromHex(c.launch_digest),
      mnonce,
    });
    expect(toHex(concat(measured, mnonce)) === toHex(fromBase64(measurement))).toBe(exit === 0);
  });
});

test('packets are bound to a launch from API 0.17 on', () => {
  const bound = (apiMajor: number, apiMinor: number) => bindsLaunch({ apiMajor, apiMinor });
  expect([bound(0, 0), bound(0, 16), bound(0, 17), bound(0, 255), bound(1, 0)]).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('a build that is no byte is refused, not cut', () => {
  const input = {
    tik: new Uint8Array(16),
    policy: 0,
    digest: new Uint8Array(32),
    mnonce: new Uint8Array(16),
  };
  expect(() => measureLaunch({ ...input, version: { apiMajor: 1, apiMinor: 55, build: 300 } })).toThrow(
    RangeError,
  );
});
