import type { OptionMessage } from '@sevlab/vmm-sim/qemu/option-messages';
import type { Cause } from './explanation.ts';

const OPTIONS = 'QEMU 7.2, softmmu/vl.c';
const KEYS = 'QEMU 7.2, util/qemu-option.c and util/keyval.c';
const MACHINE = 'QEMU 7.2, hw/core/machine.c';
const TOPOLOGY = 'QEMU 7.2, hw/core/machine-smp.c';
const FIRMWARE = 'QEMU 7.2, hw/i386/pc_sysfw.c';
const LOADER = 'QEMU 7.2, hw/i386/x86.c';
const DRIVES = 'QEMU 7.2, blockdev.c';
const CHARDEVS = 'QEMU 7.2, chardev/char.c';
const TWICE = 'the command line names it twice';

/** What QEMU means by each message about its command line. */
export const OPTION_MESSAGE_CAUSES: Readonly<Record<OptionMessage, Cause>> = {
  'no option': { source: OPTIONS, means: 'QEMU has no such option', look: 'options have one hyphen, or two' },
  'no argument': { source: OPTIONS, means: 'nothing stands behind the option' },
  'two of an id': { source: KEYS, means: TWICE },
  'no key': {
    source: KEYS,
    means: 'the option, or the object, has no such property',
    look: 'a comma within a value is written twice',
  },
  'out of range': { source: KEYS, means: 'the number is too large' },
  'several values': { source: KEYS, means: 'an option in JSON is one object' },
  'JSON no object': { source: KEYS, means: 'an option in JSON is an object: {"qom-type": …}' },
  'bad UUID': { source: OPTIONS, means: '-uuid takes 8-4-4-4-12 hexadecimal digits' },
  'slots alone': { source: OPTIONS, means: '-m slots= wants maxmem= with it' },
  'empty model': { source: OPTIONS, means: '-cpu wants a model, such as EPYC-v4' },
  'kernel missing': { source: OPTIONS, means: 'there is no kernel that it could be for' },
  'two accelerators': {
    source: OPTIONS,
    means: 'the accelerator is named in two ways',
    look: 'keep -accel kvm',
  },
  'no accelerator': { source: OPTIONS, means: 'SEV wants kvm; without SEV tcg will do' },
  'no machine': {
    source: OPTIONS,
    means: 'this QEMU has no such machine',
    look: 'q35, and pc, which is i440FX; versions come and go',
  },
  'reserved id': { source: MACHINE, means: 'the machine makes an object of that name itself' },
  'no memory': { source: MACHINE, means: 'memory-backend names no object' },
  'no encryption': {
    source: MACHINE,
    means: 'memory-encryption names no object',
    look: 'the sev-guest object must have this id; today the property is called confidential-guest-support',
  },
  'no clusters': { source: TOPOLOGY, means: 'x86 has no clusters' },
  'many vCPUs': { source: TOPOLOGY, means: 'the machine takes fewer vCPUs' },
  'bad topology': {
    source: TOPOLOGY,
    means: 'sockets, dies, cores and threads of -smp do not multiply to maxcpus',
  },
  'no X2APIC': {
    source: 'QEMU 7.2, hw/i386/x86.c: x86_cpus_init',
    means: 'so many vCPUs want the interrupt controller of the kernel',
    look: 'leave kernel-irqchip=off out',
  },
  'bad flash': {
    source: FIRMWARE,
    means: 'the firmware image does not have whole pages of 4096 bytes',
    look: 'give the image itself, and not its variables or a compressed file',
  },
  'large flash': { source: FIRMWARE, means: 'the firmware image is too long' },
  'no BIOS': {
    source: 'QEMU 7.2, hw/i386/x86.c: x86_bios_rom_init',
    means: '-bios wants whole 64 KiB',
    look: 'an image that is to be measured for SEV is given as flash: -drive if=pflash,unit=0',
  },
  'no kernel': { source: LOADER, means: 'the file of -kernel cannot be read' },
  'no initrd': { source: LOADER, means: 'the file of -initrd cannot be read' },
  'flash 1 alone': {
    source: FIRMWARE,
    means: 'flash unit 1, the variables, is there without unit 0, the firmware',
  },
  'no flash': { source: FIRMWARE, means: 'pflash0 of -machine names no -blockdev' },
  'no bus': { source: DRIVES, means: 'if= of -drive is none that there is' },
  'many flashes': { source: DRIVES, means: 'there are flash units 0 and 1 only' },
  'two flashes': { source: DRIVES, means: TWICE },
  'no driver': { source: CHARDEVS, means: 'a socket is unix:PATH,server=on, or tcp:HOST:PORT,server=on' },
  'no chardev': { source: CHARDEVS, means: 'no -chardev has this id' },
  'no serial': { source: CHARDEVS, means: 'no -chardev has this id, or it is no address' },
  'no chardev id': { source: CHARDEVS, means: '-chardev wants id=' },
  'no backend': { source: CHARDEVS, means: '-chardev begins with its kind: -chardev socket,id=…' },
  'bad chardev': { source: CHARDEVS, means: 'the address is not HOST:PORT' },
  'stdio twice': {
    source: CHARDEVS,
    means: 'only one device can have standard input',
    look: '-nographic takes it for the serial port and the monitor',
  },
};
