import { createHash } from 'node:crypto';
import { createObserver } from '@sevlab/ambient/observer';
import { gpa } from '@sevlab/codec/address';
import { concat, indexOfBytes, utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { EncryptedFile } from '@sevlab/codec/encrypted-file';
import { parseGuid } from '@sevlab/codec/guid';
import { describe, expect, it } from 'vitest';
import { sealFiles } from '../../test/sealed-file.ts';
import { bootKernel } from '../boot.ts';
import type { Kernel } from '../kernel.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from '../plain-guest.ts';
import { kernelProfile } from '../profile.ts';
import { PLAINTEXT_ADDRESS } from './decrypt-file.ts';

const guid = parseGuid('e6f5a162-d67f-4750-a67c-5d065f2a9910');
const short = parseGuid('83c83f7f-1356-4975-8b7e-d3a0b54312c6');
const KEY_FILE = `/sys/kernel/security/secrets/coco/${guid}`;
const key = Uint8Array.from({ length: 32 }, (_, i) => i);

const seal = (...files: readonly Uint8Array[]): Uint8Array => sealFiles(key, ...files);

function boot(disk?: Uint8Array, { record = true } = {}): Kernel {
  const observer = createObserver({ record });
  const start = (context: Parameters<typeof bootKernel>[0]['context']): Kernel => {
    writePlainGuest(context.memory);
    const table = encodeSecretTable([
      { guid, data: key },
      { guid: short, data: key.toReversed().subarray(1) },
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

  it('prints every file, or the SHA-256 of each', () => {
    const files = [plaintext, utf8(''), utf8('second\n'), plaintext.subarray(0, 512 - EncryptedFile.size)];
    const rubbish = new Uint8Array(512).fill(0xff);
    for (const disk of [seal(...files), concat(seal(...files), rubbish)]) {
      const kernel = boot(disk);
      expect(kernel.run(`decrypt-file ${KEY_FILE}`).bytes).toEqual(concat(...files));
      const lines = kernel.run(`decrypt-file -s ${KEY_FILE}`).output.trimEnd().split('\n');
      expect(lines).toEqual(
        files.map((file, i) => {
          const digest = createHash('sha256').update(file).digest('hex');
          return `${digest}  file ${i + 1}, ${file.length} bytes`;
        }),
      );
    }
    const sound = seal(utf8('one\n'), utf8('two\n'));
    sound[512 + EncryptedFile.size]! ^= 1;
    expect(boot(sound).run(`decrypt-file ${KEY_FILE}`)).toMatchObject({
      output: 'one\ndecrypt-file: file 2: wrong key, or it was changed\n',
      status: 1,
    });
  });

  it('is computed on by other programs', () => {
    const kernel = boot(seal(plaintext, utf8('one line more\n')));
    expect(kernel.run(`decrypt-file ${KEY_FILE} | grep -c guest`).output).toBe('300\n');
    expect(kernel.run(`decrypt-file ${KEY_FILE} | tail -n 1`).output).toBe('one line more\n');
  });

  it('lets the host see ciphertext only', () => {
    const kernel = boot(seal(plaintext));
    const { length: before } = kernel.observer.events;
    kernel.run(`decrypt-file ${KEY_FILE}`);
    const events = kernel.observer.events.slice(before);
    const seen = events.flatMap(({ open = {} }) => Object.values(open));
    const secret = plaintext.subarray(0, 40);
    expect(seen.length).toBeGreaterThan(3);
    expect(
      seen.filter((bytes) => indexOfBytes(bytes, secret) !== -1 || indexOfBytes(bytes, key) !== -1),
    ).toEqual([]);
    const writes = events.filter(
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
        output: 'decrypt-file: file 1: wrong key, or it was changed\n',
        status: 1,
      });
    }
  });

  it.each([
    [0x00, 0x73 ^ 0x74, 'the disk does not start with an encrypted file'],
    [0x0c, 3, 'the disk does not start with an encrypted file'],
    [0x2c, 1, 'file 1: wrong key, or it was changed'],
    [0x2f, 0x80, 'file 1: its 2147483653 bytes are not all there, or too many'],
    [0x2d, 0x80, 'file 1: its 32773 bytes are not all there, or too many'],
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

type View = 'readPrivate' | 'readShared';
const STEP = 64 * 1024;
const UNTOUCHED = new Uint8Array(STEP);
const PIECE = 8;

/** Memory that anybody wrote, as the guest reads it, or as cells, which is as the host does. */
function* touchedMemory({ memory }: Kernel, view: View): Generator<{ start: number; bytes: Uint8Array }> {
  for (let start = 0; start < Number(PLAIN_GUEST.ramSize); start += STEP) {
    const at = gpa(BigInt(start));
    if (Buffer.compare(memory.readShared(at, STEP), UNTOUCHED) !== 0)
      yield { start, bytes: memory[view](at, STEP + PIECE) };
  }
}

/** Where pieces of some bytes lie, each as the address at which the whole would start. */
function placesOf(whole: Uint8Array, kernel: Kernel, view: View): number[] {
  const places = new Set<number>();
  for (const { start, bytes } of touchedMemory(kernel, view)) {
    for (let offset = 0; offset + PIECE <= whole.length; offset += PIECE) {
      const at = indexOfBytes(bytes, whole.subarray(offset, offset + PIECE));
      if (at !== -1) places.add(start + at - offset);
    }
  }
  return [...places];
}

describe('the key', () => {
  const inArea = Number(PLAIN_GUEST.area) + 40; // behind the header and the entry's own
  const content = Uint8Array.from({ length: 64 }, (_, i) => i * i);

  it('lies in the secret area alone, and after rm nowhere', () => {
    const disk = seal(content);
    const kernel = boot(disk, { record: false });
    expect(kernel.run(`decrypt-file ${KEY_FILE}`).bytes).toEqual(content);
    expect(placesOf(key, kernel, 'readPrivate')).toEqual([inArea]);
    expect(placesOf(content, kernel, 'readPrivate')).toEqual([Number(PLAINTEXT_ADDRESS)]);

    expect(kernel.run(`rm ${KEY_FILE}`).status).toBe(0);
    expect(placesOf(key, kernel, 'readPrivate')).toEqual([]);
    expect(kernel.run(`decrypt-file ${KEY_FILE}`).output).toMatch(/No such file or directory\n$/);
    expect(placesOf(content, kernel, 'readPrivate')).toEqual([Number(PLAINTEXT_ADDRESS)]);
  });

  it('is never where the host looks, nor is the content', () => {
    const disk = seal(content);
    const kernel = boot(disk, { record: false });
    for (const command of [`decrypt-file ${KEY_FILE}`, `cp ${KEY_FILE} /tmp/key`, `rm ${KEY_FILE}`]) {
      expect(kernel.run(command).status).toBe(0);
      for (const bytes of [key, content]) {
        expect(placesOf(bytes, kernel, 'readShared')).toEqual([]);
        expect(indexOfBytes(disk, bytes.subarray(0, PIECE))).toBe(-1);
      }
    }
  });

  it('stays where somebody copied it, even when that file is gone', () => {
    const kernel = boot(undefined, { record: false });
    kernel.run(`cp ${KEY_FILE} /tmp/key; rm ${KEY_FILE}`);
    const [copy, ...others] = placesOf(key, kernel, 'readPrivate');
    expect([copy === inArea, others]).toEqual([false, []]);
    expect(kernel.run('rm /tmp/key').status).toBe(0);
    expect(placesOf(key, kernel, 'readPrivate')).toEqual([copy]);
  });
});
