import { concat, fromBase64, fromHex, toHex } from '@sevlab/codec/bytes';
import { readSecretTable, type Secret } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { PacketHeader } from '@sevlab/codec/sev/packet';
import { describe, expect, test } from 'vitest';
import sevTool from '../../sev-channel/test/vectors/sev-tool-calc-measurement.json' with { type: 'json' };
import packaged from '../../sev-channel/test/vectors/sev-tool-package-secret.json' with { type: 'json' };
import sevctl from '../../sev-channel/test/vectors/sevctl-secret-build.json' with { type: 'json' };
import libvirt from '../../sev-channel/test/vectors/virt-qemu-sev-validate.json' with { type: 'json' };
import { AcceptedLaunch, acceptLaunch } from './accepted-launch.ts';
import { encodeTableWithTail, TABLE_TAILS, type TableTail, tailsOf } from './table-tail.ts';

/** Packets with a table, and what is in it. */
const packets = [
  ...sevctl.cases.map((c) => ({
    name: `sevctl ${c.name}`,
    tail: 'sevctl' as const,
    keys: { tek: fromHex(c.tek), tik: fromHex(c.tik) },
    measure: fromHex(c.measure),
    header: c.header_file_base64,
    data: c.payload_file_base64,
    plaintext: c.plaintext_table,
  })),
  ...libvirt.cases.flatMap((c) =>
    c.header === undefined
      ? []
      : {
          name: `virt-qemu-sev-validate ${c.name}`,
          tail: 'virt-qemu-sev-validate' as const,
          keys: { tek: fromHex(c.tek), tik: fromHex(c.tik) },
          measure: fromBase64(c.measurement).slice(0, 32),
          header: c.header,
          data: c.payload,
          plaintext: c.plaintext,
        },
  ),
];

test('packets of both producers are here, with and without a need for padding', () => {
  const kinds = packets.map(({ tail, plaintext }) => {
    const { header } = readSecretTable(fromHex(plaintext));
    return `${tail} ${header!.len % 16 === 0 ? 'aligned' : 'padded'}`;
  });
  expect([...new Set(kinds)].sort()).toEqual(
    ['sevctl', 'virt-qemu-sev-validate'].flatMap((tail) => [`${tail} aligned`, `${tail} padded`]),
  );
  expect(packets).toHaveLength(41);
});

test.each(packets)('$name: from the secrets and the IV to the same bytes', (c) => {
  const { entries } = readSecretTable(fromHex(c.plaintext));
  expect(toHex(encodeTableWithTail(entries, c.tail))).toBe(c.plaintext);
  const { iv } = PacketHeader.decode(fromBase64(c.header));
  const packet = new AcceptedLaunch(c.keys, c.measure).sealTable(entries, { tail: c.tail, iv });
  expect([packet.header, packet.data].map(toHex)).toEqual(
    [c.header, c.data].map((b) => toHex(fromBase64(b))),
  );
});

describe('a launch is accepted', () => {
  /** sev-tool's measurements, whose digest and keys are known. */
  const launches = sevTool.cases.map(({ args, form, 'calc_measurement_out.bin': measure }) => ({
    form,
    keys: { tik: fromHex(args[7]!), tek: new Uint8Array(16) },
    expected: {
      version: {
        apiMajor: Number.parseInt(args[1]!, 16),
        apiMinor: Number.parseInt(args[2]!, 16),
        build: Number.parseInt(args[3]!, 16),
      },
      policy: Number.parseInt(args[4]!, 16),
      digest: fromHex(args[5]!),
    },
    measurement: concat(fromHex(measure), fromHex(args[6]!)),
  }));

  test.each(launches)('with its measurement: $form, $expected.version', ({ keys, expected, measurement }) => {
    expect(acceptLaunch(keys, expected, measurement)).toBeInstanceOf(AcceptedLaunch);
    const other = { ...expected, policy: (expected.policy ^ 1) >>> 0 };
    expect(acceptLaunch(keys, other, measurement)).toBeUndefined();
    for (const at of [0, 31, 32, 47]) {
      const altered = measurement.slice();
      altered[at]! ^= 1;
      expect(acceptLaunch(keys, expected, altered)).toBeUndefined();
    }
  });

  test.each(launches)('and its packets are bound to it from API 0.17 on: $form', (c) => {
    const iv = new Uint8Array(16);
    const packet = acceptLaunch(c.keys, c.expected, c.measurement)!.seal(new Uint8Array(16), iv);
    const bound = new AcceptedLaunch(c.keys, c.measurement.slice(0, 32)).seal(new Uint8Array(16), iv);
    expect(toHex(packet.header) === toHex(bound.header)).toBe(c.form !== 'before 0.17');
  });
});

test.each(packaged.cases.filter((c) => fromBase64(c['secret.txt']).length % 16 === 0))(
  'sev-tool, which has no table: a secret of whole blocks to the same bytes',
  (c) => {
    const tk = fromHex(c['tmp_tk.bin']);
    const measure = c.mac_covers_measurement ? fromHex(c['calc_measurement_out.bin']) : undefined;
    const header = fromBase64(c['packaged_secret_header.bin']);
    const launch = new AcceptedLaunch({ tek: tk.slice(0, 16), tik: tk.slice(16) }, measure);
    const packet = launch.seal(fromBase64(c['secret.txt']), PacketHeader.decode(header).iv);
    expect([packet.header, packet.data].map(toHex)).toEqual([
      toHex(header),
      toHex(fromBase64(c['packaged_secret.bin'])),
    ]);
  },
);

describe('tails', () => {
  const secret = (length: number): Secret => ({
    guid: parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b'),
    data: new Uint8Array(length).fill(0x78),
  });
  const lengthsOf = (tail: TableTail, length: number) => {
    const plaintext = encodeTableWithTail([secret(length)], tail);
    const { header, entries, error } = readSecretTable(plaintext);
    expect(error).toBeUndefined();
    expect(entries[0]!.data.subarray(0, length)).toEqual(secret(length).data);
    return [plaintext.length, header!.len, entries[0]!.data.length];
  };

  test.each([
    [7, [48, 47, 7], [48, 47, 7], [48, 48, 8]],
    [8, [48, 48, 8], [64, 48, 8], [64, 64, 9]],
    [9, [64, 49, 9], [64, 49, 9], [64, 64, 10]],
    [0, [48, 40, 0], [48, 40, 0], [48, 48, 1]],
  ])('a secret of %i bytes: packet, table, entry', (length, ...expected) => {
    expect(TABLE_TAILS.map((tail) => lengthsOf(tail, length))).toEqual(expected);
  });

  test.each([
    [
      7,
      [
        ['sevctl', 'virt-qemu-sev-validate'],
        ['sevctl', 'virt-qemu-sev-validate'],
        ['sevctl', 'aleph'],
      ],
    ],
    [8, [['sevctl'], ['virt-qemu-sev-validate'], ['aleph']]],
  ])('of a secret of %i bytes tell who may have made them', (length, expected) => {
    expect(TABLE_TAILS.map((tail) => tailsOf(encodeTableWithTail([secret(length)], tail)))).toEqual(expected);
  });

  test('of the packets of others name their producer', () => {
    for (const { tail, plaintext } of packets) expect(tailsOf(fromHex(plaintext))).toContain(tail);
  });

  test('of something else are nobody’s', () => {
    const plaintext = encodeTableWithTail([secret(7)], 'sevctl');
    plaintext[plaintext.length - 1] = 1;
    expect([plaintext, new Uint8Array(32), new Uint8Array(3)].map(tailsOf)).toEqual([[], [], []]);
  });
});
