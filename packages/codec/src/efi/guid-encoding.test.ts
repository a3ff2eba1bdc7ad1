import { expect, test } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { guidFromBytes, guidToBytes, parseGuid } from '../guid.ts';

// The bytes are those of Python's uuid.UUID(text).bytes_le.
test.each([
  ['table footer', '96b582de-1fb2-45f7-baea-a366c55a082d', 'de 82 b5 96 b2 1f f7 45 ba ea a3 66 c5 5a 08 2d'],
  [
    'SEV secret block',
    '4c2eb361-7d9b-4cc3-8081-127c90d3d294',
    '61 b3 2e 4c 9b 7d c3 4c 80 81 12 7c 90 d3 d2 94',
  ],
  [
    'SEV hash block',
    '7255371f-3a3b-4b04-927b-1da6efa8d454',
    '1f 37 55 72 3b 3a 04 4b 92 7b 1d a6 ef a8 d4 54',
  ],
  ['SEV-ES reset', '00f771de-1a7e-4fcb-890e-68c77e2fb44e', 'de 71 f7 00 7e 1a cb 4f 89 0e 68 c7 7e 2f b4 4e'],
  ['SEV metadata', 'dc886566-984a-4798-a75e-5585a7bf67cc', '66 65 88 dc 4a 98 98 47 a7 5e 55 85 a7 bf 67 cc'],
  [
    'TDX metadata offset',
    'e47a6535-984a-4798-865e-4685a7bf8ec2',
    '35 65 7a e4 4a 98 98 47 86 5e 46 85 a7 bf 8e c2',
  ],
  [
    'TDX metadata body',
    'e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae',
    'f3 f9 ea e9 8e 16 d5 44 a8 eb 7f 4d 87 38 f6 ae',
  ],
  [
    'IGVM metadata',
    '784fa70e-3176-4677-8a20-04b68699e374',
    '0e a7 4f 78 76 31 77 46 8a 20 04 b6 86 99 e3 74',
  ],
  [
    'config table: secret area',
    'adf956ad-e98c-484c-ae11-b51c7d336447',
    'ad 56 f9 ad 8c e9 4c 48 ae 11 b5 1c 7d 33 64 47',
  ],
  [
    'secret table header',
    '1e74f542-71dd-4d66-963e-ef4287ff173b',
    '42 f5 74 1e dd 71 66 4d 96 3e ef 42 87 ff 17 3b',
  ],
  [
    'disk password',
    '736869e5-84f0-4973-92ec-06879ce3da0b',
    'e5 69 68 73 f0 84 73 49 92 ec 06 87 9c e3 da 0b',
  ],
  [
    'kernel doc sample',
    '736870e5-84f0-4973-92ec-06879ce3da0b',
    'e5 70 68 73 f0 84 73 49 92 ec 06 87 9c e3 da 0b',
  ],
  [
    'hash table header',
    '9438d606-4f22-4cc9-b479-a793d411fd21',
    '06 d6 38 94 22 4f c9 4c b4 79 a7 93 d4 11 fd 21',
  ],
  ['cmdline hash', '97d02dd8-bd20-4c94-aa78-e7714d36ab2a', 'd8 2d d0 97 20 bd 94 4c aa 78 e7 71 4d 36 ab 2a'],
  ['initrd hash', '44baf731-3a2f-4bd7-9af1-41e29169781d', '31 f7 ba 44 2f 3a d7 4b 9a f1 41 e2 91 69 78 1d'],
  ['kernel hash', '4de79437-abd2-427f-b835-d5b172d2045b', '37 94 e7 4d d2 ab 7f 42 b8 35 d5 b1 72 d2 04 5b'],
  ['SNP CC blob', '067b1f5f-cf26-44c5-8554-93d777912d42', '5f 1f 7b 06 26 cf c5 44 85 54 93 d7 77 91 2d 42'],
  ['ACPI 2.0', '8868e871-e4f1-11d3-bc22-0080c73c8881', '71 e8 68 88 f1 e4 d3 11 bc 22 00 80 c7 3c 88 81'],
  ['ACPI 1.0', 'eb9d2d30-2d88-11d3-9a16-0090273fc14d', '30 2d 9d eb 88 2d d3 11 9a 16 00 90 27 3f c1 4d'],
  ['SMBIOS', 'eb9d2d31-2d88-11d3-9a16-0090273fc14d', '31 2d 9d eb 88 2d d3 11 9a 16 00 90 27 3f c1 4d'],
  ['SMBIOS 3', 'f2fd1544-9794-4a2c-992e-e5bbcf20e394', '44 15 fd f2 94 97 2c 4a 99 2e e5 bb cf 20 e3 94'],
  [
    'memory attributes',
    'dcfa911d-26eb-469f-a220-38b7dc461220',
    '1d 91 fa dc eb 26 9f 46 a2 20 38 b7 dc 46 12 20',
  ],
  ['RNG seed', '1ce1e5bc-7ceb-42f2-81e5-8aadf180f57b', 'bc e5 e1 1c eb 7c f2 42 81 e5 8a ad f1 80 f5 7b'],
])('%s', (_, text, wire) => {
  expect(toHex(guidToBytes(parseGuid(text)))).toBe(wire.replaceAll(' ', ''));
  expect(guidFromBytes(fromHex(wire))).toBe(text);
  expect(parseGuid(text.toUpperCase())).toBe(text);
  expect(parseGuid(`{${text}}`)).toBe(text);
});
