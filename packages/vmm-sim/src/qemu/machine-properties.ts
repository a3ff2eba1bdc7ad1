import type { Property } from './object-model.ts';
import type { QemuMachine } from './qemu-machine.ts';

/** QEMU's name of the machine's type. */
export const machineType = ({ options: { machine, release } }: QemuMachine): string =>
  machine === 'none'
    ? 'none-machine'
    : `pc-${machine === 'pc' ? 'i440fx' : machine}-${release.major}.${release.minor}-machine`;

/** `[name, type, value]`, in the order in which QEMU 7.2 lists them. */
type Row = readonly [name: string, type: string, value: NonNullable<Property['value']>];

const rows = (...all: readonly Row[]): Property[] => all.map(([name, type, value]) => ({ name, type, value }));

/** The properties of `/machine`. NOT MODELLED: they cannot be set, and those of a machine with devices differ. */
export function machineProperties({ options, ports }: QemuMachine): readonly Property[] {
  const { sevGuest, vcpus, memorySize, machine } = options;
  if (machine === 'none') return [];
  const time = new Date(Number(ports.now() / 1000n));
  return [
    ...rows(
      ['kernel', 'string', options.kernelFile ?? ''],
      ['dt-compatible', 'string', ''],
      ['boot', 'BootConfiguration', { order: 'cad' }],
      ['memory', 'MemorySizeConfiguration', { size: memorySize }],
      ['initrd', 'string', options.initrdFile ?? ''],
      ['confidential-guest-support', 'link<confidential-guest-support>', sevGuest ? `/objects/${sevGuest}` : ''],
      ['graphics', 'bool', true],
      ['usb', 'bool', false],
      ['firmware', 'string', 'bios-256k.bin'],
      ['memory-encryption', 'string', sevGuest ?? ''],
      [
        'smp',
        'SMPConfiguration',
        { cpus: vcpus, sockets: vcpus, dies: 1, clusters: 1, cores: 1, threads: 1, maxcpus: vcpus },
      ],
      ['dump-guest-core', 'bool', true],
      ['phandle-start', 'int', 0],
      ['dumpdtb', 'string', ''],
      ['memory-backend', 'link<memory-backend>', '/objects/pc.ram'],
      ['dtb', 'string', ''],
      ['mem-merge', 'bool', sevGuest === undefined],
      ['append', 'string', options.directBoot?.commandLine ?? ''],
      ['suppress-vmdesc', 'bool', false],
      ['smm', 'OnOffAuto', 'auto'],
      ['acpi', 'OnOffAuto', 'auto'],
      ['pit', 'OnOffAuto', 'auto'],
      ['pic', 'OnOffAuto', 'auto'],
      ['x-oem-table-id', 'string', 'BXPC    '],
      ['bus-lock-ratelimit', 'uint64_t', 0],
      ['sgx-epc', 'SgxEPC', []],
      ['x-oem-id', 'string', 'BOCHS '],
      ['max-fw-size', 'size', 8 << 20],
      ['default-bus-bypass-iommu', 'bool', false],
      ['device-memory-region-size', 'int', 0],
      ['sata', 'bool', true],
      ['vmport', 'OnOffAuto', 'on'],
      ['i8042', 'bool', true],
      ['hpet', 'bool', true],
      ['smbios-entry-point-type', 'str', '32'],
      ['max-ram-below-4g', 'size', 4_294_967_296n],
      ['smbus', 'bool', true],
      ['unattached', 'child<container>', '/machine/unattached'],
      ['fw_cfg', 'child<fw_cfg_io>', '/machine/fw_cfg'],
      ['peripheral-anon', 'child<container>', '/machine/peripheral-anon'],
      ['nvdimm', 'bool', false],
      ['peripheral', 'child<container>', '/machine/peripheral'],
    ),
    ...(machine === 'q35' ? Q35 : PC),
    ...rows(
      ['cxl-fmw', 'CXLFixedMemoryWindow', []],
      [
        'rtc-time',
        'struct tm',
        {
          tm_year: time.getUTCFullYear() - 1900,
          tm_mon: time.getUTCMonth(),
          tm_mday: time.getUTCDate(),
          tm_hour: time.getUTCHours(),
          tm_min: time.getUTCMinutes(),
          tm_sec: time.getUTCSeconds(),
        },
      ],
      ['acpi-device', 'link<hotplug-handler>', `/machine/unattached/device[${machine === 'q35' ? 2 : 18}]`],
      ...(options.firmware ? [['pflash0', 'str', 'pflash0'] as const] : []),
      ...(machine === 'pc' ? [['i440fx', 'child<i440FX-pcihost>', '/machine/i440fx'] as const] : []),
      ['hmat', 'bool', false],
      ['cxl', 'bool', false],
      ['pcspk-audiodev', 'str', ''],
    ),
  ];
}

/** With flash, where the dictionary puts them. */
const Q35 = rows(
  ['system.flash0', 'child<cfi.pflash01>', '/machine/system.flash0'],
  ['rtc_state', 'link<isa-device>', '/machine/unattached/device[8]'],
  ['nvdimm-persistence', 'string', ''],
  ['q35', 'child<q35-pcihost>', '/machine/q35'],
  ['smram', 'link<memory-region>', '/machine/q35/mch/smram[0]'],
);
const PC = rows(
  ['system.flash0', 'child<cfi.pflash01>', '/machine/system.flash0'],
  ['nvdimm-persistence', 'string', ''],
  ['rtc_state', 'link<isa-device>', '/machine/unattached/device[9]'],
  ['smram', 'link<memory-region>', '/machine/unattached/device[2]/smram[0]'],
);

/** The properties of `/objects/pc.ram`. */
export const ramProperties = ({ options: { memorySize, sevGuest } }: QemuMachine): readonly Property[] =>
  rows(
    ['share', 'bool', false],
    ['size', 'int', memorySize],
    ['dump', 'bool', true],
    ['prealloc-threads', 'int', 1],
    ['x-use-canonical-path-for-ramblock-id', 'bool', false],
    ['policy', 'HostMemPolicy', 'default'],
    ['prealloc-context', 'link<thread-context>', ''],
    ['prealloc', 'bool', false],
    ['reserve', 'bool', true],
    ['host-nodes', 'int', []],
    ['merge', 'bool', sevGuest === undefined],
    ['pc.ram[0]', 'child<memory-region>', '/objects/pc.ram/pc.ram[0]'],
  );
