import { createObserver } from '@sevlab/ambient/observer';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { createFileSystem } from './memfs-view.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';

const COCO = '/sys/kernel/security/secrets/coco';
const secrets = [
  { guid: parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b'), data: utf8('passphrase\0') },
  { guid: parseGuid('1ee27366-0c87-43a6-af48-28543eaf7cb0'), data: utf8('{"key":"value"}') },
];
const [first, second] = secrets.map(({ guid }) => `${COCO}/${guid}`) as [string, string];

function boot(): Kernel {
  const observer = createObserver();
  return runPlainGuest(observer, (context) => {
    writePlainGuest(context.memory);
    context.memory.writePrivate(PLAIN_GUEST.area, encodeSecretTable(secrets));
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile('5.19'),
      observer,
    });
  });
}

describe("securityfs as Node's fs", () => {
  it('lists, reads and stats', () => {
    const { fs } = boot();
    expect(fs.readdirSync(COCO)).toEqual(secrets.map(({ guid }) => guid).sort());
    expect(fs.readFileSync(second, 'utf8')).toBe('{"key":"value"}');
    const stat = fs.statSync(first);
    expect([stat.mode, stat.size, stat.nlink, stat.uid, stat.isFile()]).toEqual([0o100440, 0, 1, 0, true]);
    expect(fs.statSync(COCO).isDirectory()).toBe(true);
    expect(fs.statSync(COCO).mtime.toISOString()).toMatch(/^2022-06-28T11:54:05/);
    expect(fs.existsSync(`${COCO}/nosuch`)).toBe(false);
    const entries = fs.readdirSync(COCO, { withFileTypes: true });
    expect(entries.map((entry) => typeof entry === 'object' && 'isFile' in entry && entry.isFile())).toEqual([
      true,
      true,
    ]);
  });

  it('reads through descriptors, which hold the module', () => {
    const kernel = boot();
    const { fs } = kernel;
    const fd = fs.openSync(second, 'r');
    const buffer = Buffer.alloc(6);
    expect(fs.readSync(fd, buffer, 0, 6, null)).toBe(6);
    expect(buffer.toString()).toBe('{"key"');
    expect(fs.readSync(fd, buffer, 1, 3, 1)).toBe(3);
    expect(buffer.toString()).toBe('{"key"');
    expect(fs.readSync(fd, buffer, 0, 3, 3)).toBe(3);
    expect(buffer.toString()).toBe('ey"ey"');
    expect(fs.readSync(fd, buffer, 0, 6, null)).toBe(6); // where the first read ended
    expect(buffer.toString()).toBe(':"valu');
    expect(kernel.run('rmmod efi_secret').status).toBe(1);
    fs.unlinkSync(second);
    expect(fs.fstatSync(fd).nlink).toBe(0);
    fs.closeSync(fd);
    expect(kernel.run('rmmod efi_secret').status).toBe(0);
  });

  it('deletes as unlink does: memory is wiped, and a kernel user sees it', () => {
    const kernel = boot();
    kernel.fs.unlinkSync(first);
    expect(kernel.fs.readdirSync(COCO)).toEqual([secrets[1]!.guid]);
    expect(kernel.run(`ls ${COCO}`).output).toBe(`${secrets[1]!.guid}\n`);
    expect(kernel.memory.readPrivate(PLAIN_GUEST.area, 51).subarray(40)).toEqual(new Uint8Array(11));
  });

  it('shows what happened elsewhere', () => {
    const kernel = boot();
    expect(kernel.fs.readdirSync(COCO).length).toBe(2);
    kernel.run(`rm ${first}`);
    expect(kernel.fs.readdirSync(COCO).length).toBe(1);
  });

  it('refuses with the errno of the kernel', () => {
    const { fs } = boot();
    const refused = (code: string, call: () => unknown): void => {
      expect(call).toThrow(expect.objectContaining({ code }));
    };
    refused('EACCES', () => fs.writeFileSync(`${COCO}/new`, 'x'));
    refused('EINVAL', () => fs.writeFileSync(first, 'x'));
    refused('EPERM', () => fs.mkdirSync(`${COCO}/d`));
    refused('EPERM', () => fs.mkdirSync(`${COCO}/d/e`, { recursive: true }));
    refused('EPERM', () => fs.renameSync(first, `${COCO}/other`));
    refused('EPERM', () => fs.linkSync(first, `${COCO}/other`));
    refused('EPERM', () => fs.symlinkSync('x', `${COCO}/other`));
    refused('EPERM', () => fs.rmdirSync(COCO));
    refused('EISDIR', () => fs.unlinkSync(COCO));
    refused('ENOENT', () => fs.readFileSync(`${COCO}/nosuch`));
    refused('ENOENT', () => fs.unlinkSync(`${COCO}/nosuch`));
    refused('EISDIR', () => fs.readFileSync(COCO));
    refused('ENOTDIR', () => fs.readdirSync(first));
    fs.truncateSync(first, 100);
    expect(fs.statSync(first).size).toBe(100);
  });

  it('rm -r wipes the files and keeps the directory', () => {
    const kernel = boot();
    expect(() => kernel.fs.rmSync(COCO, { recursive: true })).toThrow(
      expect.objectContaining({ code: 'EPERM' }),
    );
    expect(kernel.fs.readdirSync(COCO)).toEqual([]);
    kernel.fs.rmSync(first, { force: true });
  });

  it('is another for another user', () => {
    const kernel = boot();
    const fs = createFileSystem(kernel.as({ uid: 1000, gid: 1000, groups: [] }));
    expect(fs.readdirSync(COCO).length).toBe(2);
    expect(() => fs.readFileSync(first)).toThrow(expect.objectContaining({ code: 'EACCES' }));
    expect(() => fs.accessSync(first, 4)).toThrow(expect.objectContaining({ code: 'EACCES' }));
    expect(() => fs.unlinkSync(first)).toThrow(expect.objectContaining({ code: 'EACCES' }));
    const grouped = createFileSystem(kernel.as({ uid: 1000, gid: 1000, groups: [0] }));
    expect(grouped.readFileSync(first, 'utf8')).toBe('passphrase\0');
  });
});
