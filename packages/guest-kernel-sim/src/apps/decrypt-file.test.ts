import { createCipheriv } from 'node:crypto';
import { createObserver } from '@sevlab/ambient/observer';
import { concat, indexOfBytes, padTo, utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { ENCRYPTED_FILE_MAGIC, ENCRYPTED_FILE_VERSION, EncryptedFile } from '@sevlab/codec/encrypted-file';
import { parseGuid } from '@sevlab/codec/guid';
import { describe, expect, it } from 'vitest';
import { bootKernel } from '../boot.ts';
import type { Kernel } from '../kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '../plain-guest.ts';
import { kernelProfile } from '../profile.ts';

const guid = parseGuid('e6f5a162-d67f-4750-a67c-5d065f2a9910');
const short = parseGuid('83c83f7f-1356-4975-8b7e-d3a0b54312c6');
const KEY_FILE = `/sys/kernel/security/secrets/coco/${guid}`;
const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const iv = new Uint8Array(12).fill(7);

/** What a guest owner puts on the disk. */
function seal(plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const header = EncryptedFile.encode({
    magic: ENCRYPTED_FILE_MAGIC,
    version: ENCRYPTED_FILE_VERSION,
    iv,
    tag: cipher.getAuthTag(),
    length: ciphertext.length,
  });
  const file = concat(header, ciphertext);
  return padTo(file, Math.ceil(file.length / 512) * 512);
}

function boot(disk?: Uint8Array): Kernel {
  const observer = createObserver({ record: true });
  const start = (context: Parameters<typeof bootKernel>[0]['context']): Kernel => {
    writePlainGuest(context.memory);
    const table = encodeSecretTable([
      { guid, data: key },
      { guid: short, data: key.subarray(1) },
    ]);
    context.memory.writePrivate(PLAIN_GUEST.area, table);
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile('6.1'),
      observer,
    });
  };
  return runPlainGuest(observer, start, { disk });
}

const plaintext = utf8('patient data that only the guest may see\n'.repeat(300));

describe('decrypt-file', () => {
  it('prints what the guest owner encrypted, over more than one bounce buffer', () => {
    const { bytes, status } = boot(seal(plaintext)).run(`decrypt-file ${KEY_FILE}`);
    expect(status).toBe(0);
    expect(bytes).toEqual(plaintext);
  });

  it('lets the host see ciphertext only', () => {
    const kernel = boot(seal(plaintext));
    kernel.run(`decrypt-file ${KEY_FILE}`);
    const seen = kernel.observer.events.flatMap(({ open = {} }) => Object.values(open));
    const secret = plaintext.subarray(0, 40);
    expect(seen.length).toBeGreaterThan(3);
    expect(
      seen.filter((bytes) => indexOfBytes(bytes, secret) !== -1 || indexOfBytes(bytes, key) !== -1),
    ).toEqual([]);
    const writes = kernel.observer.events.filter(
      (event) => event.type === 'access' && event.actor === 'kernel' && event.operation === 'write',
    );
    expect(writes.map((event) => event.type === 'access' && [event.view, event.length])).toEqual([
      ['private', plaintext.length],
    ]);
  });

  it('notices any changed byte of nonce, tag or ciphertext', () => {
    const disk = seal(utf8('short'));
    for (let offset = 0x10; offset < EncryptedFile.size + 5; offset++) {
      if (offset >= 0x2c && offset < 0x30) continue; // the length, below
      const changed = disk.slice();
      changed[offset]! ^= 1;
      expect(boot(changed).run(`decrypt-file ${KEY_FILE}`)).toMatchObject({
        output: 'decrypt-file: wrong key, or the file was changed\n',
        status: 1,
      });
    }
  });

  it.each([
    [0x00, 0x73 ^ 0x74, 'the disk does not start with an encrypted file'],
    [0x0c, 3, 'the disk does not start with an encrypted file'],
    [0x2c, 1, 'wrong key, or the file was changed'],
    [0x2f, 0x80, "the file's 2147483653 bytes are not all there"],
    [0x2d, 0x80, "the file's 32773 bytes are not all there"],
  ])('says what is wrong with byte %i', (offset, bits, message) => {
    const disk = seal(utf8('short'));
    disk[offset]! ^= bits;
    expect(boot(disk).run(`decrypt-file ${KEY_FILE}`)).toMatchObject({
      output: `decrypt-file: ${message}\n`,
      status: 1,
    });
  });

  it('says what is missing', () => {
    const run = (command: string, disk?: Uint8Array): string => boot(disk).run(command).output;
    expect(run('decrypt-file')).toMatch(/missing operand/);
    expect(run('decrypt-file /nonexist')).toBe('decrypt-file: /nonexist: No such file or directory\n');
    expect(run(`decrypt-file ${KEY_FILE.replace(guid, short)}`)).toMatch(
      /expected a key of 32 bytes, got 31/,
    );
    expect(run(`decrypt-file ${KEY_FILE}`)).toBe('decrypt-file: the guest has no disk\n');
    expect(run(`decrypt-file ${KEY_FILE}`, new Uint8Array(0))).toMatch(/does not start with/);
  });
});
