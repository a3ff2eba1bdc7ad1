// Formats and cryptography, as the simulator has them; those of the suite stay right.
import { inFile } from './in-file.mjs';

const channel = (name, ...rows) => inFile(`packages/sev-channel/src/${name}.ts`, ...rows);
const codec = (name, ...rows) => inFile(`packages/codec/src/${name}.ts`, ...rows);

export const CHANNEL = [
  ...channel(
    'kdf',
    ['the counter of the KDF starts at 0', 'let i = 1;', 'let i = 0;'],
    [
      'the counter of the KDF is big endian',
      'littleEndian32(i), utf8(label)',
      'littleEndian32(i).reverse(), utf8(label)',
    ],
    [
      'the length of the KDF is big endian',
      'littleEndian32(8 * length))',
      'littleEndian32(8 * length).reverse())',
    ],
    ['the length of the KDF is in bytes', 'littleEndian32(8 * length))', 'littleEndian32(length))'],
    [
      'the KDF has no separator',
      'utf8(label), separator, context',
      'utf8(label), separator.subarray(1), context',
    ],
    ['the KDF leaves the context out', 'separator, context,', 'separator, context.subarray(0, 0),'],
    ['the KDF leaves the label out', 'utf8(label)', "utf8(label && '')"],
  ),
  ...channel(
    'session',
    [
      'the master secret leaves the nonce out',
      "'sev-master-secret', nonce)",
      "'sev-master-secret', nonce.subarray(0, 0))",
    ],
    ['KEK and KIK are one key', "'sev-kik'", "'sev-kek'"],
    [
      'WRAP_MAC does not matter',
      'if (!macEqual(session.wrapMac, hmacSha256(kik, session.wrapTk))) return undefined;',
      '',
    ],
    [
      'WRAP_MAC covers WRAP_IV too',
      'if (!macEqual(session.wrapMac, hmacSha256(kik, session.wrapTk)))',
      'if (!macEqual(session.wrapMac, hmacSha256(kik, session.wrapTk, session.wrapIv)))',
    ],
    [
      'TEK and TIK change places',
      '{ tek: keys.slice(0, 16), tik: keys.slice(16) }',
      '{ tik: keys.slice(0, 16), tek: keys.slice(16) }',
    ],
    [
      'POLICY_MAC is over a big-endian policy',
      'hmacSha256(tik, littleEndian32(policy))',
      'hmacSha256(tik, littleEndian32(policy).reverse())',
    ],
    [
      'POLICY_MAC covers the flags of the policy alone',
      'hmacSha256(tik, littleEndian32(policy))',
      'hmacSha256(tik, littleEndian32(policy).subarray(0, 2))',
    ],
  ),
  ...channel(
    'measurement',
    ['the measurement has context 1', 'LAUNCH_MEASURE_CONTEXT = 0x04', 'LAUNCH_MEASURE_CONTEXT = 0x01'],
    [
      'the measurement does not name the firmware',
      'namesFirmware ? message : message',
      'namesFirmware && !tik ? message : message',
    ],
    [
      'the measurement names old firmware too',
      'namesFirmware ? message : message.subarray(SHORT_FORM_START)',
      'namesFirmware || tik ? message : message.subarray(SHORT_FORM_START)',
    ],
    [
      'the measurement leaves MNONCE out',
      'hmacSha256(tik, namesFirmware ? message',
      'hmacSha256(tik, namesFirmware ? message.subarray(0, 0x28)',
    ],
    ['the measurement has no BUILD', '    build,\n', '    build: build * 0,\n'],
    [
      'major and minor version change places in the measurement',
      '    apiMajor,\n    apiMinor,\n    build,',
      '    apiMajor: apiMinor,\n    apiMinor: apiMajor,\n    build,',
    ],
    ['API 0.17 does not bind packets', 'apiMinor >= 17', 'apiMinor > 17'],
    ['API 0.16 binds packets', 'apiMinor >= 17', 'apiMinor >= 16'],
    ['only API 0 binds packets', 'apiMajor > 0 ||', 'apiMajor === 0 &&'],
  ),
  ...channel(
    'packet',
    ['the MAC leaves the measurement out', 'input.data, input.measure)', 'input.data, undefined)'],
    [
      'the packet of a migration has context 1',
      'transportMacInput(context, header',
      'transportMacInput(1, header',
    ],
    [
      'the MAC of a migration leaves the data out',
      'transportMacInput(context, header, guestLen, data)',
      'transportMacInput(context, header, guestLen, data.map(() => 0))',
    ],
    ['the IV is not used', 'aes128Ctr(tek, iv, data);\n', 'aes128Ctr(tek, iv.map(() => 0), data);\n'],
  ),
  ...channel(
    'mac',
    [
      'the first half of a MAC is compared',
      'a.length === b.length && timingSafeEqual(a, b)',
      'timingSafeEqual(a.subarray(0, 16), b.subarray(0, 16))',
    ],
    [
      'the last byte of a MAC is not compared',
      'a.length === b.length && timingSafeEqual(a, b)',
      'timingSafeEqual(a.subarray(1), b.subarray(1))',
    ],
    ['every MAC is right', 'a.length === b.length && timingSafeEqual(a, b)', 'a.length === b.length'],
  ),
  ...channel('aes-ctr', ['AES-128 is in another mode', "'aes-128-ctr'", "'aes-128-ofb'"]),
  ...channel(
    'attestation',
    ['a report is signed under the name of the CEK', 'KEY_USAGE.PEK', 'KEY_USAGE.CEK'],
    ['r is big endian in a report', 'padTo(r.toReversed(), COORDINATE_FIELD)', 'padTo(r, COORDINATE_FIELD)'],
    [
      'the signature of a report covers a byte less',
      'ATTESTATION_SIGNED_SIZE);',
      'ATTESTATION_SIGNED_SIZE - 1);',
    ],
  ),
  ...channel(
    'certificate',
    ['coordinates are big endian', 'qx: padTo(x.toReversed()', 'qx: padTo(x.slice()'],
    ['any curve will do', 'curve !== CURVE_P384 ||', ''],
    ['a point need not be on the curve', '!curveCheck || isOnCurve({ x, y }) ?', '!curveCheck || x ?'],
    [
      'bytes behind a coordinate do not matter',
      'field.subarray(COORDINATE).every((byte) => byte === 0)',
      'field.length > 0',
    ],
    ['a certificate has version 2', 'const VERSION = 1;', 'const VERSION = 2;'],
    ['r is big endian in a certificate', 'r: padTo(r.toReversed()', 'r: padTo(r.slice()'],
    [
      'a signing request keeps its second signature',
      'withSlot(withSlot(certificate, 1, EMPTY_SLOT), 2, EMPTY_SLOT)',
      'withSlot(certificate, 1, EMPTY_SLOT)',
    ],
    ['the first signature decides', 'verified !== true || lastSignatureDecides', 'verified === undefined'],
    [
      'a slot with half a label is passed over',
      "return 'BAD_SIGNATURE';\n    if (usage",
      'continue;\n    if (usage',
    ],
    [
      'a signature by any kind of key is tried',
      'if (usage !== parent.pubkeyUsage || algo !== parent.pubkeyAlgo) continue;',
      'if (usage === KEY_USAGE.NONE) continue;',
    ],
    [
      'a signature of another algorithm is tried',
      'usage !== parent.pubkeyUsage || algo !== parent.pubkeyAlgo',
      'usage !== parent.pubkeyUsage',
    ],
    [
      'a certificate that nobody signed is a bad signature',
      "if (verified === undefined) return 'INVALID_CERTIFICATE';",
      '',
    ],
    [
      'a bad signature is a bad certificate',
      "if (!verified) return 'BAD_SIGNATURE';",
      "if (!verified) return 'INVALID_CERTIFICATE';",
    ],
    ['a certificate need not be sound', "if (!isSound(certificate)) return 'INVALID_CERTIFICATE';", ''],
    ["the signer's key need not be sound", "if (!hasSoundKey(parent)) return 'INVALID_CERTIFICATE';", ''],
    [
      'anybody may sign anything',
      'SIGNERS.get(certificate.pubkeyUsage)?.includes(parent.pubkeyUsage)',
      'SIGNERS.size',
    ],
    [
      'a PEK may sign a PEK',
      '[KEY_USAGE.OCA, KEY_USAGE.CEK]]',
      '[KEY_USAGE.OCA, KEY_USAGE.CEK, KEY_USAGE.PEK]]',
    ],
    ['the CEK may not sign a PEK', '[KEY_USAGE.OCA, KEY_USAGE.CEK]]', '[KEY_USAGE.OCA]]'],
    ['a certificate for key agreement has no sound key', '    case KEY_ALGO.ECDH_SHA256:\n', ''],
    ['RSA certificates have no sound key', 'return decodeRsaKey(pubkey) !== undefined;', 'return false;'],
    [
      'a signature covers the API version no more',
      'SEV_CERTIFICATE_BODY_SIZE);',
      'SEV_CERTIFICATE_BODY_SIZE).fill(0, 4, 6);',
    ],
    ['any key usage is known', 'if (!KNOWN_USAGES.includes(pubkeyUsage)) return false;', ''],
    [
      'SHA-256 for every signature',
      "parent.pubkeyAlgo & 0x100 ? 'sha384' : 'sha256'",
      "parent.pubkeyAlgo ? 'sha256' : 'sha256'",
    ],
  ),
  ...channel(
    'p384',
    ['the curve has another b', '- 3n * x + B)', '- 3n * x + B + 1n)'],
    ['coordinates may be p or more', 'x < FIELD && y < FIELD &&', ''],
    ['any r and s will do', '|| !isScalar(r) || !isScalar(s)', ''],
    ['a signature leaves the private key out', '(e + r * fromBigEndian(d))', '(e + r)'],
    [
      'the shared secret has no leading zeros',
      'new Uint8Array(agreement(d).computeSecret(uncompressed(point)))',
      '((z) => z.subarray(z.findIndex((byte) => byte !== 0)))(new Uint8Array(agreement(d).computeSecret(uncompressed(point))))',
    ],
    [
      'the shared secret is little endian',
      'new Uint8Array(agreement(d).computeSecret(uncompressed(point)))',
      'new Uint8Array(agreement(d).computeSecret(uncompressed(point))).reverse()',
    ],
  ),
  ...channel(
    'amd-certificate',
    [
      'every signature of AMD is good',
      'return verifyPss(\n',
      'return certificate.signed.length > 0 || verifyPss(\n',
    ],
    [
      'every signature on a CEK is good',
      'verifyPss(key, hash, certificateBody(cek), signature.subarray(0, ask.modulus.length))',
      'hash.length > 0 && signature.length > 0',
    ],
    ['the algorithm of the signature on a CEK does not matter', 'algo === askAlgo &&', ''],
  ),
  ...codec(
    'layout',
    ['16-bit fields are read big endian', 'view.getUint16(offset, true)', 'view.getUint16(offset, false)'],
    ['32-bit fields are read big endian', 'view.getUint32(offset, true)', 'view.getUint32(offset, false)'],
    [
      '64-bit fields are read big endian',
      'view.getBigUint64(offset, true)',
      'view.getBigUint64(offset, false)',
    ],
    [
      '32-bit fields are written big endian',
      'view.setUint32(offset, value, true)',
      'view.setUint32(offset, value, false)',
    ],
    [
      '64-bit fields are written big endian',
      'view.setBigUint64(offset, value, true)',
      'view.setBigUint64(offset, value, false)',
    ],
  ),
  ...codec(
    'sev/packet',
    [
      'the header starts with the IV',
      "flags: at(0x00, u32le, 'FLAGS. Bit 0: COMPRESSED; the others are authenticated and not looked at.'),\n  iv: at(0x04, bytes(16), 'IV: initial counter block of AES-128-CTR under the TEK.'),",
      "iv: at(0x00, bytes(16), ''),\n  flags: at(0x10, u32le, ''),",
    ],
    ['COMPRESSED is bit 1', 'COMPRESSED = 1;', 'COMPRESSED = 2;'],
    ['LAUNCH_SECRET has context 2', 'LAUNCH_SECRET_CONTEXT = 0x01', 'LAUNCH_SECRET_CONTEXT = 0x02'],
    ['a migration has context 1', 'TRANSPORT_CONTEXT = 0x02', 'TRANSPORT_CONTEXT = 0x01'],
    [
      'FLAGS are not under the MAC',
      'flags: header.flags,\n    iv: header.iv,',
      'flags: 0,\n    iv: header.iv,',
    ],
    [
      'the IV is not under the MAC',
      'flags: header.flags,\n    iv: header.iv,',
      'flags: header.flags,\n    iv: new Uint8Array(16),',
    ],
    [
      'GUEST_LEN is not under the MAC',
      '    guestLen,\n    transLen: data.length,\n',
      '    guestLen: guestLen * 0,\n    transLen: data.length,\n',
    ],
    [
      'TRANS_LEN is not under the MAC',
      '    guestLen,\n    transLen: data.length,\n',
      '    guestLen,\n    transLen: 0,\n',
    ],
    ['the data is not under the MAC', 'concat(prefix, data, measure ??', 'concat(prefix, measure ??'],
    [
      'the measurement comes before the data',
      'concat(prefix, data, measure ?? new Uint8Array(0))',
      'concat(prefix, measure ?? new Uint8Array(0), data)',
    ],
  ),
  ...codec(
    'sev/policy',
    ['NODBG is bit 1', 'NODBG: 1 << 0', 'NODBG: 1 << 1'],
    ['NOKS is bit 0', 'NOKS: 1 << 1', 'NOKS: 1 << 0'],
    ['SEV-ES is bit 3', 'ES: 1 << 2', 'ES: 1 << 3'],
    ['NOSEND is bit 2', 'NOSEND: 1 << 3', 'NOSEND: 1 << 2'],
    ['DOMAIN is bit 5', 'DOMAIN: 1 << 4', 'DOMAIN: 1 << 5'],
    ['SEV is bit 4', 'SEV: 1 << 5', 'SEV: 1 << 4'],
    ['bit 6 of the policy is not reserved', 'POLICY_RESERVED_MASK = 0xffc0', 'POLICY_RESERVED_MASK = 0xff80'],
    [
      'bit 15 of the policy is not reserved',
      'POLICY_RESERVED_MASK = 0xffc0',
      'POLICY_RESERVED_MASK = 0x7fc0',
    ],
    [
      'major and minor version change places in the policy',
      'major: (policy >>> 16) & 0xff,\n  minor: policy >>> 24,',
      'minor: (policy >>> 16) & 0xff,\n  major: policy >>> 24,',
    ],
  ),
  ...codec(
    'sev/session',
    [
      'MNONCE comes before MEASURE',
      "measure: at(0x00, bytes(32), 'MEASURE: HMAC-SHA-256 over the launch, under the TIK.'),\n  mnonce: at(0x20, bytes(16), 'MNONCE: drawn by the AMD-SP for this measurement.'),",
      "mnonce: at(0x00, bytes(16), ''),\n  measure: at(0x10, bytes(32), ''),",
    ],
    [
      'WRAP_IV comes before WRAP_TK',
      "wrapTk: at(0x10, bytes(32), 'TEK then TIK, under AES-128-CTR with the KEK.'),\n  wrapIv: at(0x30, bytes(16), 'WRAP_IV: initial counter block of that encryption.'),",
      "wrapIv: at(0x10, bytes(16), ''),\n  wrapTk: at(0x20, bytes(32), ''),",
    ],
  ),
  ...codec(
    'sev/status',
    ['INVALID_LENGTH is 05h', 'INVALID_LENGTH: {\n    code: 0x04,', 'INVALID_LENGTH: {\n    code: 0x05,'],
    ['BAD_MEASUREMENT is 0Ah', 'BAD_MEASUREMENT: { code: 0x0b', 'BAD_MEASUREMENT: { code: 0x0a'],
    ['UNSUPPORTED is 14h', 'UNSUPPORTED: { code: 0x15', 'UNSUPPORTED: { code: 0x14'],
  ),
  ...codec(
    'sev/command',
    ['LAUNCH_SECRET is number 37h', 'LAUNCH_SECRET: 0x034', 'LAUNCH_SECRET: 0x037'],
    ['COPY is number 26h', 'COPY: 0x024', 'COPY: 0x026'],
  ),
  ...codec(
    'guid',
    ['GUIDs are big endian', '[3, 2, 1, 0, 5, 4, 7, 6, 8,', '[0, 1, 2, 3, 4, 5, 6, 7, 8,'],
    ['the middle groups of GUIDs are big endian', '5, 4, 7, 6, 8,', '4, 5, 6, 7, 8,'],
    ['the area starts with another GUID', '1e74f542-71dd-4d66', '1e74f542-71dd-4d67'],
    ['the configuration table has another GUID', 'adf956ad-e98c-484c', 'adf956ad-e98c-484d'],
    ['the GUIDed table has another footer', '96b582de-1fb2-45f7', '96b582de-1fb2-45f8'],
    ['the secret block has another GUID', '4c2eb361-7d9b-4cc3', '4c2eb361-7d9b-4cc4'],
  ),
  ...codec('efi/secret-location', [
    'the size of the area comes before its base',
    "basePa: at(0x00, guestAddress, 'Guest-physical address of the area.'),\n    size: at(0x08, u64le, 'Length of the area, in bytes: as announced, not rounded to pages.'),",
    "size: at(0x00, u64le, ''),\n    basePa: at(0x08, guestAddress, ''),",
  ]),
  ...codec(
    'ovmf/guided-table',
    ['an image of less than a page may have a table', 'if (image.length < 4096)', 'if (image.length < 50)'],
    ['the table ends where the image does', 'TABLE_END_FROM_IMAGE_END = 32', 'TABLE_END_FROM_IMAGE_END = 0'],
    [
      'the table ends 16 bytes before the image',
      'TABLE_END_FROM_IMAGE_END = 32',
      'TABLE_END_FROM_IMAGE_END = 16',
    ],
    ['any footer will do', 'footer.guid !== OVMF_TABLE_FOOTER_GUID', 'footer.guid === undefined'],
    ['a table may be longer than the image', 'payload < 0 || payload > footerAt', 'payload < 0'],
    ['a table may not reach the start of the image', 'payload > footerAt', 'payload >= footerAt'],
    ['a table may be shorter than its footer', 'payload < 0 ||', ''],
    ['a table without entries is one', 'if (payload === 0) return', 'if (payload === -1) return'],
    [
      'a GUIDed entry may be shorter than its tail',
      'tail.len < GuidedEntryTail.size ||',
      'tail.len === 0 ||',
    ],
    ['a GUIDed entry may be longer than the table', '|| tail.len > cursor - start', ''],
    [
      'an entry without data ends the table',
      'tail.len < GuidedEntryTail.size',
      'tail.len <= GuidedEntryTail.size',
    ],
    [
      'what is left behind the first entry counts as one',
      'cursor - start >= GuidedEntryTail.size',
      'cursor - start > GuidedEntryTail.size',
    ],
    ['the last of two blocks counts', 'table.entries.find((entry)', 'table.entries.findLast((entry)'],
    [
      'a block of any length tells of an area',
      'entry?.data.length === AreaBlock.size ? AreaBlock.decode(entry.data) : undefined',
      'entry && AreaBlock.decode(Uint8Array.from({ length: 8 }, (_, i) => entry.data[i] ?? 0))',
    ],
  ),
];
