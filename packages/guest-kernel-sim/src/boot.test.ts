import { readFileSync } from 'node:fs';
import { createObserver } from '@sevlab/ambient/observer';
import { gpa } from '@sevlab/codec/address';
import { fromHex } from '@sevlab/codec/bytes';
import { E820_ENTRIES_OFFSET, E820_TABLE_OFFSET } from '@sevlab/codec/efi/boot-params';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import type { GuestContext } from '@sevlab/machine/machine';
import { describe, expect, it } from 'vitest';
import { bootKernel, startKernel } from './boot.ts';
import type { Kernel } from './kernel.ts';
import { loadModule } from './modules.ts';
import { mountSecurityFs } from './mounted-securityfs.ts';
import { PLAIN_GUEST, runPlainGuest, writePlainGuest } from './plain-guest.ts';
import { LOG_LEVEL } from './printk.ts';
import { kernelProfile } from './profile.ts';
import { SECURITY_ROOT } from './pseudo-files.ts';
import { ROOT } from './user.ts';

interface RecordedBoot {
  readonly name: string;
  readonly commandLine: string;
  readonly writes: readonly (readonly [string, string])[];
  readonly efi: readonly string[];
  readonly modalias: string | null;
  readonly load: { readonly bound: boolean; readonly k: readonly string[] };
  readonly files: number;
}

const vectors = new URL('../test/vectors/', import.meta.url);
const readLines = <T>(name: string): T[] =>
  readFileSync(new URL(name, vectors), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const boots = readLines<RecordedBoot>('efi-tables-6.1.192.jsonl');

/** The table that the recorded boots had in their area: the first case of the other recording. */
const documentedArea = fromHex(
  readLines<{ name: string; area: { hex: string }[] }>('efi-secret-6.1.192.jsonl').find(
    ({ name }) => name === 'docs4',
  )!.area[0]!.hex,
);

/** Boots that this kernel cannot follow. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  loader_signature_EL32: 'the decompressor halts before the kernel proper starts',
  no_noruntime: 'there are no EFI runtime services to call, so nothing can crash in them',
};

function prepare(
  context: GuestContext,
  { writes = [], commandLine = '' }: Partial<Pick<RecordedBoot, 'writes' | 'commandLine'>> = {},
): void {
  context.memory.writePrivate(PLAIN_GUEST.area, new Uint8Array(4096));
  context.memory.writePrivate(gpa(0n), new Uint8Array(4096));
  context.memory.writePrivate(gpa(0x2200000n), new Uint8Array(4096));
  context.memory.writePrivate(gpa(0x3000000n), new Uint8Array(4096));
  context.memory.writePrivate(gpa(0x820000n), new Uint8Array(0x10000));
  writePlainGuest(context.memory, { commandLine });
  context.memory.writePrivate(PLAIN_GUEST.area, documentedArea);
  for (const [address, bytes] of writes) context.memory.writePrivate(gpa(BigInt(address)), fromHex(bytes));
}

const logOf = (kernel: Kernel): string[] =>
  kernel.state.log.map(({ level, text }) => `<${LOG_LEVEL[level]}>${text}`);

describe('what Linux 6.1.192 did with damaged EFI tables', () => {
  it('has all recorded boots', () => expect(boots.length).toBe(27));
  it('leaves out only boots that were recorded', () => {
    expect(Object.keys(OUT_OF_REACH).filter((name) => !boots.some((boot) => boot.name === name))).toEqual([]);
  });

  it.each(boots.filter(({ name }) => !(name in OUT_OF_REACH)).map((one) => [one.name, one] as const))(
    '%s',
    (_, one) => {
      const observer = createObserver();
      runPlainGuest(observer, (context) => {
        prepare(context, one);
        const profile = kernelProfile('6.1');
        const kernel = startKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
        mountSecurityFs(kernel);
        expect(logOf(kernel).filter((line) => /^<\d>efi: /.test(line))).toEqual(one.efi);

        const sys = kernel.as(ROOT);
        const modalias = '/sys/devices/platform/efi_secret.0/modalias';
        if (one.modalias === '') expect(() => sys.readFile(modalias)).toThrow(/ENOENT/);
        else expect(new TextDecoder().decode(sys.readFile(modalias))).toBe(one.modalias);

        const before = kernel.state.log.length;
        loadModule(kernel, 'efi_secret', { debug: true });
        const driver = (lines: readonly string[]): string[] =>
          lines.filter((line) => /^<\d>(efi_secret|ioremap)/.test(line));
        const ours = driver(logOf(kernel).slice(before));
        const recorded = driver(one.load.k); // up to six lines were kept, so a stack trace may hide the last ones
        expect(ours.slice(0, recorded.length)).toEqual(recorded);
        expect(recorded.length).toBeGreaterThanOrEqual(Math.min(ours.length, 1));
        expect(kernel.state.devices.get('efi_secret.0')?.driver === 'efi_secret').toBe(one.load.bound);
        if (one.files > 0) expect(sys.readdir(`${SECURITY_ROOT}/secrets/coco`).length - 2).toBe(one.files);
        else expect(() => sys.readdir(`${SECURITY_ROOT}/secrets/coco`)).toThrow(/ENOENT/);
      });
    },
  );
});

const bootAs = (name: string, populated = true): Kernel => {
  const observer = createObserver({ record: true });
  return runPlainGuest(observer, (context) => {
    prepare(context);
    if (!populated) context.memory.writePrivate(PLAIN_GUEST.area, new Uint8Array(16));
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile(name),
      observer,
    });
  });
};

describe('memory map', () => {
  const words = (kernel: Kernel): string[] =>
    kernel.state.log.map(({ text }) => text).filter((text) => text.startsWith('BIOS-e820'));

  it('is printed as 6.1.192 printed it', () => {
    expect(words(bootAs('6.1'))).toEqual([
      'BIOS-e820: [mem 0x0000000000000000-0x000000000009efff] usable',
      'BIOS-e820: [mem 0x0000000000100000-0x000000000080bfff] usable',
      'BIOS-e820: [mem 0x000000000080c000-0x000000000080cfff] reserved',
      'BIOS-e820: [mem 0x000000000080d000-0x000000000081ffff] usable',
      'BIOS-e820: [mem 0x0000000000820000-0x000000000082ffff] reserved',
      'BIOS-e820: [mem 0x0000000000830000-0x0000000002ffffff] usable',
      'BIOS-e820: [mem 0x0000000003000000-0x00000000031fffff] reserved',
      'BIOS-e820: [mem 0x0000000003200000-0x0000000006ffffff] usable',
      'BIOS-e820: [mem 0x0000000007000000-0x0000000007ffffff] reserved',
    ]);
  });

  it('has other words and gaps on 7.3', () => {
    expect(words(bootAs('7.3')).slice(0, 4)).toEqual([
      'BIOS-e820: [mem 0x0000000000000000-0x000000000009efff]  System RAM',
      'BIOS-e820: [gap 0x000000000009f000-0x00000000000fffff]',
      'BIOS-e820: [mem 0x0000000000100000-0x000000000080bfff]  System RAM',
      'BIOS-e820: [mem 0x000000000080c000-0x000000000080cfff]  device reserved',
    ]);
  });

  it('shows the area as Reserved in /proc/iomem, page 0 too, and hides addresses from users', () => {
    const kernel = bootAs('6.1');
    const text = new TextDecoder().decode(kernel.as(ROOT).readFile('/proc/iomem'));
    expect(text.split('\n').slice(0, 4)).toEqual([
      '00000000-00000fff : Reserved',
      '00001000-0009efff : System RAM',
      '00100000-0080bfff : System RAM',
      '0080c000-0080cfff : Reserved',
    ]);
    const user = new TextDecoder().decode(
      kernel.as({ uid: 1000, gid: 1000, groups: [] }).readFile('/proc/iomem'),
    );
    expect(user.split('\n')[0]).toBe('00000000-00000000 : Reserved');
  });
});

describe('the version of EFI', () => {
  it.each([
    ['6.1', 0x0002_0046, 'efi: EFI v2.70 by sev-emu'],
    ['6.12', 0x0002_0046, 'efi: EFI v2.7 by sev-emu'],
    ['6.12', 0x0002_001f, 'efi: EFI v2.3.1 by sev-emu'],
    ['6.12', 0, 'efi: EFI v0.0 by sev-emu'],
  ] as const)('on %s of revision 0x%s', (name, revision, line) => {
    const observer = createObserver();
    runPlainGuest(observer, (context) => {
      prepare(context, {
        writes: [['0x820008', Buffer.from(new Uint32Array([revision]).buffer).toString('hex')]],
      });
      const profile = kernelProfile(name);
      const { state } = startKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
      expect(state.log.map(({ text }) => text).filter((text) => /version|EFI v/.test(text))).toEqual([line]);
    });
  });
});

it('refuses a configuration table that early_memremap cannot hold', () => {
  const observer = createObserver();
  runPlainGuest(observer, (context) => {
    prepare(context, { writes: [['0x820068', 'ffffffff']] });
    const profile = kernelProfile('6.1');
    const { state } = startKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    expect(state.log.at(-2)?.text).toBe('efi: Could not map Configuration table!');
    expect(state.devices.size).toBe(0);
  });
});

it('refuses a memory map that early_memremap cannot hold, and boots all the same', () => {
  const observer = createObserver();
  runPlainGuest(observer, (context) => {
    prepare(context, { writes: [['0x8401d4', 'ffffffff']] });
    const profile = kernelProfile('6.1');
    const { state } = bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    expect(state.log.map(({ text }) => text)).toContain('efi: Could not map the memory map!');
    expect(state.devices.get('efi_secret.0')).toEqual({ driver: 'efi_secret' });
  });
});

it('boots without room for a file', () => {
  const observer = createObserver();
  runPlainGuest(observer, (context) => {
    prepare(context);
    const at = gpa(PLAIN_GUEST.bootParams + BigInt(E820_ENTRIES_OFFSET));
    context.memory.writePrivate(at, new Uint8Array([5])); // RAM up to the tables, and the area
    const profile = kernelProfile('6.1');
    const kernel = bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    expect(kernel.as(ROOT).readFile('/etc/passwd').length).toBe(0);
    expect(kernel.run('id').output).toBe('uid=0 gid=0 groups=0\n');
    expect(kernel.run('echo text > /tmp/file').output).toBe(
      'bash: echo: write error: No space left on device\n',
    );
  });
});

describe('who announces the area', () => {
  it('the table entry, on real kernels: udev loads the module and the probe says ENODEV', () => {
    const kernel = bootAs('6.1', false);
    expect(kernel.state.devices.get('efi_secret.0')).toEqual({ driver: undefined });
    expect([...kernel.state.modules.keys()]).toEqual(['efi_secret']);
    expect(logOf(kernel).filter((line) => line.includes('efi_secret'))).toEqual([]);
  });

  it('the header GUID, on the kernel of the documentation', () => {
    expect(bootAs('documented', false).state.devices.size).toBe(0);
    expect(bootAs('documented', false).state.modules.size).toBe(0);
    expect(bootAs('documented').state.devices.get('efi_secret.0')).toEqual({ driver: 'efi_secret' });
  });

  it('nobody, on a kernel without EFI_COCO_SECRET: the table is ignored, and the page stays reserved', () => {
    const kernel = bootAs('debian');
    expect(logOf(kernel).filter((line) => line.startsWith('<6>efi: '))).toEqual([
      '<6>efi: EFI v2.70 by sev-emu',
      '<6>efi: ',
    ]);
    expect(kernel.state.devices.size).toBe(0);
    expect(kernel.run('modprobe efi_secret').output.toString()).toContain('Module efi_secret not found');
    expect(() => loadModule(kernel, 'efi_secret')).toThrow(/ENOENT/);
    const iomem = new TextDecoder().decode(kernel.as(ROOT).readFile('/proc/iomem'));
    expect(iomem).toContain('0080c000-0080cfff : Reserved');
  });

  it('announces before it looks for a driver, and tells of the binding', () => {
    const events = bootAs('5.19').observer.events.filter(({ type }) => type === 'uevent');
    const action = (event: (typeof events)[number]): string => (event.type === 'uevent' ? event.action : '');
    expect(events.map(action)).toEqual(['add', 'add', 'bind']);
    expect(events[0]).toMatchObject({
      devpath: '/devices/platform/efi_secret.0',
      modalias: 'platform:efi_secret',
    });
  });
});

it('says that SEV is active when the MSR does', () => {
  const texts = bootAs('6.12').state.log.map(({ text }) => text);
  expect(texts).toContain('Memory Encryption Features active: AMD SEV');
  expect(texts).toContain('SEV: Status: SEV ');
  expect(bootAs('6.1').state.log.map(({ text }) => text)).not.toContain('SEV: Status: SEV ');
});

it('reads its tables and the secret through the private view only', () => {
  const { observer } = bootAs('6.1');
  const accesses = observer.events.filter((event) => event.type === 'access' && event.actor === 'kernel');
  expect(accesses.length).toBeGreaterThan(5);
  expect(accesses.filter((event) => event.type === 'access' && event.view !== 'private')).toEqual([]);
});

it('does not look at the secret area before the driver does', () => {
  const observer = createObserver({ record: true });
  runPlainGuest(observer, (context) => {
    prepare(context);
    const from = observer.events.length;
    const profile = kernelProfile('6.1');
    startKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    const read = observer.events.slice(from).flatMap((event) => (event.type === 'access' ? [event.gpa] : []));
    expect(read).not.toContain('0x80c000');
  });
});

it('does not care for the order of e820 entries', () => {
  const observer = createObserver();
  runPlainGuest(observer, (context) => {
    prepare(context);
    const at = (index: number) => gpa(PLAIN_GUEST.bootParams + BigInt(E820_TABLE_OFFSET + 20 * index));
    const [first, second] = [context.memory.readPrivate(at(1), 20), context.memory.readPrivate(at(2), 20)];
    context.memory.writePrivate(at(1), second);
    context.memory.writePrivate(at(2), first);
    const profile = kernelProfile('6.1');
    const { state } = bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    expect(state.e820.map(({ addr }) => addr)).toEqual(
      [...state.e820.map(({ addr }) => addr)].sort((a, b) => (a < b ? -1 : 1)),
    );
    expect(state.devices.get('efi_secret.0')).toEqual({ driver: 'efi_secret' });
  });
});

it('takes a table of codec', () => {
  const observer = createObserver();
  runPlainGuest(observer, (context) => {
    prepare(context);
    const guid = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
    context.memory.writePrivate(
      PLAIN_GUEST.area,
      encodeSecretTable([{ guid, data: new Uint8Array([1, 2, 3]) }]),
    );
    const profile = kernelProfile('7.3');
    const kernel = bootKernel({ context, bootParams: PLAIN_GUEST.bootParams, profile, observer });
    expect(kernel.as(ROOT).readFile(`${SECURITY_ROOT}/secrets/coco/${guid}`)).toEqual(
      new Uint8Array([1, 2, 3]),
    );
  });
});
