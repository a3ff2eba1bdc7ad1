import { seededEntropy } from '@sevlab/ambient/entropy';
import { createObserver } from '@sevlab/ambient/observer';
import { gpa } from '@sevlab/codec/address';
import { utf8 } from '@sevlab/codec/bytes';
import { encodeSecretTable } from '@sevlab/codec/efi/secret-table';
import { parseGuid } from '@sevlab/codec/guid';
import { createMachine } from '@sevlab/machine/machine';
import { describe, expect, it } from 'vitest';
import { bootKernel } from './boot.ts';
import { forkKernel } from './kernel.ts';
import { PLAIN_GUEST, writePlainGuest } from './plain-guest.ts';
import { kernelProfile } from './profile.ts';
import { ROOT } from './user.ts';

const COCO = '/sys/kernel/security/secrets/coco';
const first = parseGuid('736869e5-84f0-4973-92ec-06879ce3da0b');
const second = parseGuid('1ee27366-0c87-43a6-af48-28543eaf7cb0');

function setUp() {
  const observer = createObserver({ record: true });
  const machine = createMachine({
    part: 'milan',
    encryption: 'XEX',
    entropy: seededEntropy('fork', 'machine'),
    observer,
  });
  const guest = machine.host.createGuest([{ gpa: gpa(0n), length: PLAIN_GUEST.ramSize }]);
  machine.secureProcessor.memory.installKey(100, new Uint8Array(16));
  machine.secureProcessor.memory.setRunnable(100, true);
  const kernel = machine.host.vmrun(guest, 100, (context) => {
    writePlainGuest(context.memory);
    const table = encodeSecretTable([
      { guid: first, data: utf8('one') },
      { guid: second, data: utf8('two') },
    ]);
    context.memory.writePrivate(PLAIN_GUEST.area, table);
    return bootKernel({
      context,
      bootParams: PLAIN_GUEST.bootParams,
      profile: kernelProfile('6.1'),
      observer,
    });
  });
  const fork = () => {
    const forkObserver = observer.fork();
    const forked = machine.fork(forkObserver);
    const slot = forked.state.guests.get(guest)!;
    return forkKernel(kernel, { context: forked.guestContext(slot, 100), observer: forkObserver });
  };
  return { kernel, fork };
}

describe('a fork', () => {
  const commands = [
    `rm ${COCO}/${first}`,
    'rmmod efi_secret',
    'modprobe efi_secret',
    `ls -la ${COCO}`,
    'dmesg',
  ];

  it('goes on as the original would have', () => {
    const { kernel, fork } = setUp();
    const forked = fork();
    const results = commands.map((command) => kernel.run(command));
    expect(commands.map((command) => forked.run(command))).toEqual(results);
    expect(forked.observer.events).toEqual(kernel.observer.events);
    expect(forked.state).toEqual(kernel.state);
  });

  it('sees nothing of the original, nor the original of it', () => {
    const { kernel, fork } = setUp();
    const forked = fork();
    const before = structuredClone(kernel.state);
    for (const command of commands) forked.run(command);
    expect(kernel.state).toEqual(before);
    expect(kernel.run(`cat ${COCO}/${first}`).output).toBe('one');
    const other = fork();
    kernel.run(`rm ${COCO}/${second}`);
    expect(other.run(`cat ${COCO}/${second}`).output).toBe('two');
    expect(kernel.run(`cat ${COCO}/${second}`).status).toBe(1);
  });

  it('keeps open descriptors with what was buffered in them', () => {
    const { kernel, fork } = setUp();
    const fd = kernel.as(ROOT).open(`${COCO}/${first}`);
    kernel.as(ROOT).read(fd, 1);
    const forked = fork();
    kernel.as(ROOT).read(fd, 2);
    forked.run(`rm ${COCO}/${first}`);
    expect(forked.as(ROOT).read(fd, 10)).toEqual(utf8('ne'));
    expect(forked.as(ROOT).fstat(fd).nlink).toBe(0);
    expect(kernel.as(ROOT).fstat(fd).nlink).toBe(1);
  });
});
