import { describe, expect, it } from 'vitest';
import { realArguments } from './real-arguments.ts';

const PARTS = {
  ...{ monitorPath: '/m', kvm: false },
  launched: { memoryPath: '/a,b', memorySize: 64n << 20n },
};
const OURS = ['-S', '-no-reboot', '-qmp', 'unix:/m,server=on,wait=off'];
const MEMORY = [
  ...['-object', 'memory-backend-file,id=sevlab-ram,size=67108864,mem-path=/a,,b,share=on'],
  ...['-machine', 'memory-backend=sevlab-ram'],
];

const translated = (line: string, parts = {}): readonly string[] =>
  realArguments(line === '' ? [] : line.split(' '), { ...PARTS, ...parts }).arguments;

describe('QEMU is given', () => {
  it('a monitor of ours, memory in a file, and no leave to run', () => {
    expect(translated('')).toEqual([...MEMORY, ...OURS]);
  });

  it.each([
    ['the guest’s own options', '-object sev-guest,id=s,reduced-phys-bits=1', []],
    ['SEV in JSON', '-object {"qom-type":"sev-guest","id":"s"}', []],
    ['monitors', '-qmp unix:x,server=on -S -daemonize -pidfile p', []],
    [
      'a monitor of two options',
      '-chardev socket,id=charmonitor,fd=24,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control',
      [],
    ],
    ['direct boot', '-kernel k -initrd i -append -x', []],
  ])('not %s', (_, line, rest) => {
    expect(translated(line)).toEqual([...rest, ...MEMORY, ...OURS]);
  });

  it.each([
    ['-serial stdio -drive if=pflash,file=x -device virtio-net -unheard-of y -another'],
    ['-chardev socket,id=other,path=x -mon chardev=other,mode=readline'],
    ['-accel kvm:tcg -cpu max -m 64'],
    ['-machine q35,pflash0=f,accel=tcg'],
    ['-object rng-random,id=r'],
    ['disk.img'],
  ])('as it is written: %s', (line) => {
    expect(translated(line)).toEqual([...line.split(' '), ...MEMORY, ...OURS]);
  });

  it('the machine without its guest', () => {
    const line =
      '-machine pc-q35-7.2,usb=off,confidential-guest-support=lsec0,pflash0=a,,b,memory-encryption=x';
    expect(translated(line)).toEqual(['-machine', 'pc-q35-7.2,usb=off,pflash0=a,,b', ...MEMORY, ...OURS]);
  });

  it.each([
    ['memory-backend-ram,id=pc.ram,size=1048576'],
    ['{"qom-type":"memory-backend-memfd","id":"pc.ram","size":1048576,"share":true}'],
    ['memory-backend-file,id=pc.ram,size=1048576,mem-path=/private'],
  ])('memory of its own name in our file: %s', (object) => {
    expect(
      translated(
        `-machine q35,memory-backend=pc.ram -object ${object} -object memory-backend-ram,id=other,size=1`,
      ),
    ).toEqual([
      ...['-machine', 'q35,memory-backend=pc.ram'],
      ...['-object', 'memory-backend-file,id=pc.ram,size=1048576,mem-path=/a,,b,share=on'],
      ...['-object', 'memory-backend-ram,id=other,size=1', ...OURS],
    ]);
  });

  it('memory in a file that is shared already', () => {
    const line =
      '-machine q35,memory-backend=pc.ram -object memory-backend-file,id=pc.ram,size=1,mem-path=/shared,share=on';
    const result = realArguments(line.split(' '), PARTS);
    expect(result.arguments).toEqual([...line.split(' '), ...OURS]);
    expect(result.memoryPath).toBe('/shared');
  });

  it.each([
    ['-enable-kvm', ['-accel', 'tcg'], /TCG takes its place/],
    ['-accel kvm', ['-accel', 'tcg'], /TCG takes its place/],
    ['-machine q35,accel=kvm', ['-machine', 'q35,accel=tcg'], /TCG takes its place/],
    ['-cpu host,migratable=on', ['-cpu', 'max,migratable=on'], /max takes its place/],
  ])('what can be had without KVM: %s', (line, becomes, remark) => {
    const { arguments: words, remarks } = realArguments(line.split(' '), PARTS);
    expect(words).toEqual([...becomes, ...MEMORY, ...OURS]);
    expect(remarks).toEqual([expect.stringMatching(remark)]);
    expect(translated(line, { kvm: true })).toEqual([...line.split(' '), ...MEMORY, ...OURS]);
  });

  it('kernel and memory as they are, when nobody launches the guest', () => {
    const line = '-kernel k -append a -machine q35,memory-backend=m -object memory-backend-ram,id=m,size=1';
    const result = realArguments(line.split(' '), { monitorPath: '/m', kvm: false });
    expect(result.arguments).toEqual([...line.split(' '), ...OURS]);
    expect(result.memoryPath).toBeUndefined();
  });
});

it('descriptors are inherited that are named, but for the monitor’s', () => {
  const line =
    '-chardev socket,id=mon,fd=24,server=on -mon chardev=mon,mode=control -netdev tap,fds=25:26,id=n,vhost=on,vhostfds=27:28 ' +
    '-add-fd set=0,fd=30 -chardev file,id=c,path=/dev/fdset/0';
  expect(realArguments(line.split(' '), PARTS).descriptors).toEqual([25, 26, 27, 28, 30]);
});

it('there is no machine before its initialization', () => {
  expect(() => translated('-preconfig')).toThrow(/-preconfig: /);
});
