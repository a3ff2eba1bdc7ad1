import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { describe, expect, it } from 'vitest';
import { chainedSecret, holdsPiece } from '../test/chained-secret.ts';
import { liveBuffers, liveStrings } from '../test/live-heap.ts';
import { sealFiles } from '../test/sealed-file.ts';
import { bootKernel } from './boot.ts';
import { forkKernel, type Kernel } from './kernel.ts';
import { createFileSystem } from './memfs-view.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { Terminal } from './terminal/terminal.ts';
import { ROOT } from './user.ts';

const guid = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const COCO = '/sys/kernel/security/secrets/coco';
const FILE = `${COCO}/${guid}`;
const LENGTH = 200;
const keyGuid = parseGuid('83c83f7f-1356-4975-8b7e-d3a0b54312c6');
const KEY_LENGTH = 32;

/** A kernel whose secrets are chained, and a file on its disk; its observer keeps nothing. */
function boot(): Kernel {
  const observer = createObserver();
  const disk = sealFiles(chainedSecret(KEY_LENGTH), chainedSecret(LENGTH));
  return runPlainGuest(
    observer,
    (context) => {
      writePlainGuest(context.memory);
      const table = encodeSecretTable([
        { guid, data: chainedSecret(LENGTH) },
        { guid: keyGuid, data: chainedSecret(KEY_LENGTH) },
      ]);
      context.memory.writePrivate(PLAIN_GUEST.area, table);
      const { bootParams } = PLAIN_GUEST;
      return bootKernel({ context, bootParams, profile: kernelProfile('6.1'), observer });
    },
    { disk },
  );
}

const inBuffers = async (): Promise<boolean> => (await liveBuffers()).some(holdsPiece);
const inStrings = async (): Promise<boolean> => holdsPiece(utf8(await liveStrings()));

/** Somebody reads the secret and keeps nothing but whether it was there. */
const reads = (read: () => Uint8Array | string): void => {
  const content = read();
  const whole =
    content.length === LENGTH && holdsPiece(typeof content === 'string' ? utf8(content) : content);
  expect(whole).toBe(true);
};

describe('the search', () => {
  it.each<[string, () => unknown]>([
    ['eight bytes', () => chainedSecret(8)],
    ["a buffer out of Node's pool", () => Buffer.from(chainedSecret(20))],
    ['what lies around the part that is held', () => chainedSecret(100).subarray(90)],
    ['a view of another kind', () => new DataView(chainedSecret(5000).buffer)],
  ])('finds %s', async (_, make) => {
    const held = make();
    expect(await inBuffers()).toBe(true);
    if (held instanceof Uint8Array) held.fill(0); // nobody else empties the pool
  });

  it('finds text', async () => {
    const held = [new TextDecoder().decode(chainedSecret(30))];
    expect(await inStrings()).toBe(true);
    held.length = 0;
  });
});

describe('no byte of a secret stays outside guest memory', () => {
  const kernel = boot();

  it.each<[string, () => void]>([
    ['it booted', () => {}],
    [
      'it was listed',
      () => {
        expect(kernel.run(`ls -la ${COCO}; stat ${FILE}`).status).toBe(0);
        expect(kernel.fs.readdirSync(COCO)).toEqual([guid, keyGuid]);
        expect(kernel.fs.statSync(FILE).size).toBe(0);
      },
    ],
    ['a process read it', () => reads(() => kernel.as(ROOT).readFile(FILE))],
    [
      "it was read through Node's fs",
      () => {
        reads(() => String(kernel.fs.readFileSync(FILE)));
        reads(() => String(kernel.fs.readFileSync(FILE, 'utf8')));
        const fs = createFileSystem(kernel.as({ uid: 1001, gid: 1001, groups: [0] }));
        reads(() => String(fs.readFileSync(FILE, 'latin1')));
      },
    ],
    [
      'the shell showed it',
      () => {
        reads(() => kernel.run(`cat ${FILE}`).output);
        reads(() => kernel.run(`cat < ${FILE} | cat | tail -c ${LENGTH}`).bytes);
        reads(() => kernel.run(`cp ${FILE} /tmp/copy; cat /tmp/copy`).output);
        expect(kernel.run(`hd ${FILE}; xxd ${FILE}; od -c ${FILE}; sha256sum ${FILE}`).status).toBe(0);
      },
    ],
    [
      'a file of the disk was decrypted with it',
      () => reads(() => kernel.run(`decrypt-file ${COCO}/${keyGuid}`).bytes),
    ],
    [
      'the module was loaded anew',
      () => reads(() => kernel.run(`rmmod efi_secret; modprobe efi_secret; cat ${FILE}`).output),
    ],
  ])('after %s', async (_, action) => {
    action();
    expect(await inBuffers()).toBe(false);
  });

  it('nor as text', async () => {
    expect(await inStrings()).toBe(false);
  });

  it('while the terminal that showed it goes on', async () => {
    const terminal = new Terminal(kernel);
    terminal.start();
    expect(holdsPiece(terminal.type(utf8(`cat ${FILE}\r`)))).toBe(true);
    expect(await inBuffers()).toBe(false);
    expect(terminal.ended).toBe(undefined);
  });

  it('while a fork goes on', async () => {
    const fork = forkKernel(kernel, kernel);
    reads(() => fork.as(ROOT).readFile(FILE));
    expect(await inBuffers()).toBe(false);
    expect(fork.state.files.size).toBe(0);
  });

  it('but in the buffer of a descriptor that is partly read, until it is closed', async () => {
    const sys = kernel.as(ROOT);
    const fd = sys.open(FILE);
    expect(await inBuffers()).toBe(false);
    expect(sys.read(fd, 1).length).toBe(1);
    expect(await inBuffers()).toBe(true);
    sys.close(fd);
    expect(await inBuffers()).toBe(false);
  });

  it('nor of one that is read to its end', async () => {
    const sys = kernel.as(ROOT);
    const fd = sys.open(FILE);
    expect([sys.read(fd, 100).length, sys.read(fd, 100).length]).toEqual([100, 100]);
    expect(await inBuffers()).toBe(false);
    sys.close(fd);
  });

  it("the same with a descriptor of Node's fs", async () => {
    const fd = kernel.fs.openSync(FILE, 'r');
    expect(kernel.fs.readSync(fd, new Uint8Array(1), 0, 1, null)).toBe(1);
    expect(await inBuffers()).toBe(true);
    kernel.fs.closeSync(fd);
    expect(await inBuffers()).toBe(false);
  });

  it('and the guest still has it', () => reads(() => kernel.as(ROOT).readFile(FILE)));
});
