// Makes the emulated root of trust: node packages/sev-channel/test/make-emulated-root.mjs > packages/sev-channel/src/emulated-root.ts
// Run by hand, once: every run makes other keys, and every recorded chain then needs a new CEK signature.
import { constants, generateKeyPairSync, sign } from 'node:crypto';

const SIZE = 512;
const USAGE = { ARK: 0x00, ASK: 0x13 };

const littleEndian = (base64url) => {
  const bytes = Buffer.from(base64url, 'base64url').reverse();
  return Buffer.concat([bytes, Buffer.alloc(SIZE - bytes.length)]);
};

function certificate(name, publicKey, issuerName, issuerKey) {
  const head = Buffer.alloc(0x40);
  head.writeUInt32LE(1, 0x00);
  head.write(`sevlab test ${name} `, 0x04, 'ascii');
  head.write(`sevlab test ${issuerName} `, 0x14, 'ascii');
  head.writeUInt32LE(USAGE[name], 0x24);
  head.writeUInt32LE(SIZE * 8, 0x38);
  head.writeUInt32LE(SIZE * 8, 0x3c);
  const { n, e } = publicKey.export({ format: 'jwk' });
  const signed = Buffer.concat([head, littleEndian(e), littleEndian(n)]);
  const signature = sign('sha384', signed, {
    key: issuerKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 48,
  });
  return Buffer.concat([signed, signature.reverse()]);
}

const lines = (bytes) => bytes.toString('base64').replace(/.{1,100}/g, '$&\n');
const pem = (key) => key.export({ format: 'pem', type: 'pkcs8' });

const ark = generateKeyPairSync('rsa', { modulusLength: SIZE * 8 });
const ask = generateKeyPairSync('rsa', { modulusLength: SIZE * 8 });

process.stdout.write(`import { createPrivateKey, type KeyObject } from 'node:crypto';
import { fromBase64 } from '@sevlab/codec/bytes';

/**
 * The root of trust of emulated platforms, in the place of AMD's. Both private keys are here, public on purpose:
 * whoever trusts this root trusts everybody. Made by test/make-emulated-root.mjs.
 */

/** An AMD certificate, 1600 bytes: RSA-4096, PSS with SHA-384, signed by itself. KEY_ID is "sevlab test ARK ". */
export const EMULATED_ARK: Uint8Array = fromBase64(\`
${lines(certificate('ARK', ark.publicKey, 'ARK', ark.privateKey))}\`);

/** The same, signed by the ARK. KEY_ID is "sevlab test ASK ". */
export const EMULATED_ASK: Uint8Array = fromBase64(\`
${lines(certificate('ASK', ask.publicKey, 'ARK', ark.privateKey))}\`);

/** Signs CEK certificates, as AMD's key server does. */
export const emulatedAskPrivateKey = (): KeyObject => createPrivateKey(ASK_PRIVATE_KEY);

/** For another ASK under the same root. */
export const emulatedArkPrivateKey = (): KeyObject => createPrivateKey(ARK_PRIVATE_KEY);

const ASK_PRIVATE_KEY = \`
${pem(ask.privateKey)}\`;

const ARK_PRIVATE_KEY = \`
${pem(ark.privateKey)}\`;
`);
