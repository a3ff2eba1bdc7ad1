import { concat, fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { describe, expect, test } from 'vitest';
import model from '../test/vectors/model.json' with { type: 'json' };
import sevTool from '../test/vectors/sev-tool-package-secret.json' with { type: 'json' };
import sevctl from '../test/vectors/sevctl-secret-build.json' with { type: 'json' };
import libvirt from '../test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { bindsLaunch } from './measurement.ts';
import { decryptPacket, packetMac, sealPacket } from './packet.ts';

interface Packet {
  readonly name: string;
  readonly tek: Uint8Array;
  readonly tik: Uint8Array;
  readonly measure: Uint8Array | undefined;
  readonly header: Uint8Array;
  readonly data: Uint8Array;
  readonly plaintext: Uint8Array;
}

const tek = fromHex(model.session.tek);
const tik = fromHex(model.session.tik);
const measure = fromHex(model.measure.measure);

const packets: Packet[] = [
  ...[model.secret, model.secret_ctr_wrap].map((c, i) => ({
    name: ['model', 'model, the counter wraps'][i]!,
    tek,
    tik,
    measure,
    header: fromHex(c.header52),
    data: fromHex(c.ciphertext),
    plaintext: fromHex(c.plaintext),
  })),
  ...sevctl.cases.map((c) => ({
    name: `sevctl ${c.name}`,
    tek: fromHex(c.tek),
    tik: fromHex(c.tik),
    measure: fromHex(c.measure),
    header: fromBase64(c.header_file_base64),
    data: fromBase64(c.payload_file_base64),
    plaintext: fromHex(c.plaintext_table),
  })),
  ...libvirt.cases.flatMap((c) =>
    c.header === undefined
      ? []
      : {
          name: `virt-qemu-sev-validate ${c.name}`,
          tek: fromHex(c.tek),
          tik: fromHex(c.tik),
          measure: fromBase64(c.measurement).slice(0, 32),
          header: fromBase64(c.header),
          data: fromBase64(c.payload),
          plaintext: fromHex(c.plaintext),
        },
  ),
  ...sevTool.cases.map((c) => ({
    name: `sev-tool API ${c.platform_api.join('.')}, ${c['secret.txt'].length} characters`,
    tek: fromHex(c['tmp_tk.bin'].slice(0, 32)),
    tik: fromHex(c['tmp_tk.bin'].slice(32)),
    measure: c.mac_covers_measurement ? fromHex(c['calc_measurement_out.bin']) : undefined,
    header: fromBase64(c['packaged_secret_header.bin']),
    data: fromBase64(c['packaged_secret.bin']),
    plaintext: fromBase64(c['secret.txt']),
  })),
];

test('packets of all four programs are here', () => {
  const sources = packets.map(({ name }) => name.split(' ')[0]);
  expect(new Set(sources)).toEqual(
    new Set(['model', 'model,', 'sevctl', 'virt-qemu-sev-validate', 'sev-tool']),
  );
});

describe.each(packets)('$name', (packet) => {
  const header = PacketHeader.decode(packet.header);
  const guestLen = packet.data.length;

  test('has the MAC we compute, and decrypts', () => {
    expect(toHex(packetMac({ ...packet, header, guestLen }))).toBe(toHex(header.mac));
    expect(toHex(decryptPacket(packet.tek, header.iv, packet.data))).toBe(toHex(packet.plaintext));
  });

  test('is sealed by us to the same bytes, but for the padding that sev-tool leaves out', () => {
    const sealed = sealPacket({ ...packet, iv: header.iv });
    const padded = guestLen % 16 !== 0;
    expect(sealed.data.length % 16).toBe(0);
    expect(toHex(sealed.data.slice(0, guestLen))).toBe(toHex(packet.data));
    expect(toHex(PacketHeader.encode(sealed.header)) === toHex(packet.header)).toBe(!padded);
  });
});

describe('what the MAC covers', () => {
  const header = PacketHeader.decode(fromHex(model.secret.header52));
  const data = fromHex(model.secret.ciphertext);
  const good = { tik, measure, header, guestLen: data.length, data };
  const mac = toHex(header.mac);
  const wrong: [string, Partial<Parameters<typeof packetMac>[0]>][] = [
    ['another TIK', { tik: tek }],
    ['no measurement', { measure: undefined }],
    ['measurement with MNONCE', { measure: fromHex(model.measure.output48) }],
    ['flags', { header: { ...header, flags: 1 } }],
    ['IV', { header: { ...header, iv: new Uint8Array(16) } }],
    ['GUEST_LEN', { guestLen: data.length + 16 }],
    ['GUEST_LEN big endian', { guestLen: 0x50000000 }],
    ['data', { data: data.toReversed() }],
    ['length of the data', { data: concat(data, new Uint8Array(16)) }],
    ['plaintext in place of ciphertext', { data: fromHex(model.secret.plaintext) }],
  ];

  test('the good one', () => expect(toHex(packetMac(good))).toBe(mac));
  test.each(wrong)('%s', (_, change) => expect(toHex(packetMac({ ...good, ...change }))).not.toBe(mac));
});

test('sev-tool leaves the measurement out exactly for versions that do not bind packets to a launch', () => {
  for (const { platform_api, mac_covers_measurement } of sevTool.cases) {
    const [apiMajor, apiMinor] = [platform_api[0]!, platform_api[1]!];
    expect(bindsLaunch({ apiMajor, apiMinor })).toBe(mac_covers_measurement);
  }
});

test.each([
  [0, 16],
  [1, 16],
  [16, 16],
  [17, 32],
  [16384, 16384],
])('%i bytes of plaintext are sealed as %i', (length, padded) => {
  const iv = new Uint8Array(16);
  const { header, data } = sealPacket({ tek, tik, measure, iv, flags: 2, plaintext: new Uint8Array(length) });
  expect(data.length).toBe(padded);
  expect(header.flags).toBe(2);
  expect(header.mac).toEqual(packetMac({ tik, measure, header, guestLen: padded, data }));
});
