// A guest owner of somebody else's: it makes the session of a launch, checks the measurement, and seals secrets. It is
// written from the documents alone and knows nothing of sevlab; the tests beside it show that what it makes is right.
import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

const CERTIFICATE = 0x824;
const P384 = 2;

/** @param {Buffer | Uint8Array | string} key @param {(Uint8Array | string)[]} parts */
const hmac = (key, ...parts) =>
  parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest();

/** @param {Buffer} key @param {Buffer} iv @param {Uint8Array} data */
const ctr = (key, iv, data) => createCipheriv('aes-128-ctr', key, iv).update(data);

/** @param {number[]} numbers */
const u32 = (...numbers) => Buffer.from(Uint32Array.from(numbers).buffer);

/** NIST SP 800-108, counter mode, one block; SEV has its integers little endian.
 * @param {Buffer} key @param {string} label @param {Uint8Array} context */
const derive = (key, label, context = new Uint8Array()) =>
  hmac(key, u32(1), label, Uint8Array.of(0), context, u32(128)).subarray(0, 16);

/** A coordinate as certificates have it: 72 bytes, little endian. @param {Buffer} bigEndian */
const coordinate = (bigEndian) => Buffer.concat([Buffer.from(bigEndian).reverse(), Buffer.alloc(24)]);

/** The point of a certificate, as node:crypto wants it. @param {Uint8Array} certificate */
const pointOf = (certificate) =>
  Buffer.concat([
    Uint8Array.of(4),
    Buffer.from(certificate.slice(0x14, 0x14 + 48)).reverse(),
    Buffer.from(certificate.slice(0x5c, 0x5c + 48)).reverse(),
  ]);

/**
 * Keys for one launch, wrapped for the platform whose chain begins with this PDH. That the chain ends at AMD's root is
 * checked elsewhere, as with `sevctl verify`.
 * @param {Uint8Array} chain @param {number} policy
 */
export function openSession(chain, policy) {
  const own = createECDH('secp384r1');
  const point = own.generateKeys();
  const [tek, tik, nonce, iv] = [randomBytes(16), randomBytes(16), randomBytes(16), randomBytes(16)];
  const master = derive(own.computeSecret(pointOf(chain)), 'sev-master-secret', nonce);
  const wrapped = ctr(derive(master, 'sev-kek'), iv, Buffer.concat([tek, tik]));
  const session = Buffer.concat([
    ...[nonce, wrapped, iv],
    ...[hmac(derive(master, 'sev-kik'), wrapped), hmac(tik, u32(policy))],
  ]);
  const godh = Buffer.alloc(CERTIFICATE);
  u32(1, 0, 0x1003, 3, P384).copy(godh); // version, API, usage PDH, ECDH with SHA-256
  coordinate(point.subarray(1, 49)).copy(godh, 0x14);
  coordinate(point.subarray(49)).copy(godh, 0x5c);
  for (const slot of [0x414, 0x61c]) u32(0x1000).copy(godh, slot); // nobody signs it
  return { tek, tik, policy, godh, session };
}

/**
 * Whether the host launched this firmware, with this policy, under these keys.
 * @param {{ tik: Buffer, policy: number }} keys @param {Uint8Array} firmware @param {Uint8Array} measurement
 * @param {{ 'api-major': number, 'api-minor': number, 'build-id': number }} platform what query-sev says
 */
export function isMeasured({ tik, policy }, firmware, measurement, platform) {
  const version = Uint8Array.of(4, platform['api-major'], platform['api-minor'], platform['build-id']);
  const digest = createHash('sha256').update(firmware).digest();
  const expected = hmac(tik, version, u32(policy), digest, measurement.subarray(32));
  return timingSafeEqual(expected, measurement.subarray(0, 32));
}

/**
 * The packet that LAUNCH_SECRET takes. It fits the launch with this measurement and no other.
 * @param {{ tek: Buffer, tik: Buffer }} keys @param {Uint8Array} measurement @param {Record<string, string>} secrets
 */
export function seal({ tek, tik }, measurement, secrets) {
  const entries = Object.entries(secrets).map(([guid, text]) => entry(guid, Buffer.from(text)));
  const table = entry('1e74f542-71dd-4d66-963e-ef4287ff173b', Buffer.concat(entries));
  const padded = Buffer.concat([table, Buffer.alloc(-table.length & 15)]);
  const iv = randomBytes(16);
  const payload = ctr(tek, iv, padded);
  const lengths = u32(payload.length, payload.length);
  const mac = hmac(tik, Uint8Array.of(1), u32(0), iv, lengths, payload, measurement.subarray(0, 32));
  return { header: Buffer.concat([u32(0), iv, mac]), payload };
}

/** GUID, length with these 20 bytes, data. @param {string} guid @param {Buffer} data */
const entry = (guid, data) => Buffer.concat([guidBytes(guid), u32(20 + data.length), data]);

/** EFI has the first three groups of a GUID little endian. @param {string} guid */
function guidBytes(guid) {
  const [a = '', b = '', c = '', ...rest] = guid.split('-').map((group) => Buffer.from(group, 'hex'));
  return Buffer.concat([...[a, b, c].map((group) => Buffer.from(group).reverse()), ...rest]);
}
