import { machineTypeName } from './machine-property-types.ts';
import { memorySizeOf } from './memory-map.ts';
import type { Property } from './object-model.ts';
import type { QemuMachine } from './qemu-machine.ts';

/** QEMU's name of the machine's type. */
export const machineType = ({ options: { machine, release } }: QemuMachine): string =>
  machineTypeName(machine, `${release.major}.${release.minor}`);

/** `[name, type, value]`, in the order in which QEMU 7.2 lists them. */
type Row = readonly [name: string, type: string, value: NonNullable<Property['value']>];

const rows = (...all: readonly Row[]): Property[] =>
  all.map(([name, type, value]) => ({ name, type, value }));

/** The properties of `/machine`. NOT MODELLED: they cannot be set, and those of a machine with devices differ. */
export function machineProperties({ options, ports, state }: QemuMachine): readonly Property[] {
  const { sevGuest, topology, machine } = options;
  const isPc = machine !== 'none';
  /** Further processors are devices in front of the others. */
  const device = (number: number): string => `/machine/unattached/device[${number + topology.cpus - 1}]`;
  const time = new Date(Number(ports.now() / 1000n));
  const general = rows(
    ['kernel', 'string', options.kernelFile ?? ''],
    ['dt-compatible', 'string', ''],
    ['boot', 'BootConfiguration', { order: isPc ? 'cad' : '' }],
    ['memory', 'MemorySizeConfiguration', { size: memorySizeOf(options) }],
    ['initrd', 'string', options.initrdFile ?? ''],
    [
      'confidential-guest-support',
      'link<confidential-guest-support>',
      sevGuest ? `/objects/${sevGuest}` : '',
    ],
    ['graphics', 'bool', true],
    ['usb', 'bool', false],
    ['firmware', 'string', isPc ? 'bios-256k.bin' : ''],
    ['memory-encryption', 'string', sevGuest ?? ''],
    ['smp', 'SMPConfiguration', { ...topology, clusters: 1 }],
    ['dump-guest-core', 'bool', true],
    ['phandle-start', 'int', 0],
    ['dumpdtb', 'string', ''],
    ['memory-backend', 'link<memory-backend>', isPc ? '/objects/pc.ram' : ''],
    ['dtb', 'string', ''],
    ['mem-merge', 'bool', sevGuest === undefined],
    ['append', 'string', options.directBoot?.commandLine ?? ''],
    ['suppress-vmdesc', 'bool', false],
  );
  if (machine === 'none') return [...general, ...NONE];
  const ofPc = rows(
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
  );
  if (!state.initialized) return [...general, ...ofPc, ...UNINITIALIZED];
  return [
    ...general,
    ...ofPc,
    ...rows(
      ['unattached', 'child<container>', '/machine/unattached'],
      ['fw_cfg', 'child<fw_cfg_io>', '/machine/fw_cfg'],
      ['peripheral-anon', 'child<container>', '/machine/peripheral-anon'],
      ['nvdimm', 'bool', false],
      ['peripheral', 'child<container>', '/machine/peripheral'],
    ),
    ...(machine === 'q35' ? q35(device) : pc(device)),
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
      ['acpi-device', 'link<hotplug-handler>', device(machine === 'q35' ? 2 : 18)],
      ...(options.firmware ? [['pflash0', 'str', 'pflash0'] as const] : []),
      ['hmat', 'bool', false],
      ['cxl', 'bool', false],
      ['pcspk-audiodev', 'str', ''],
      ...(machine === 'pc' ? [['i440fx', 'child<i440FX-pcihost>', '/machine/i440fx'] as const] : []),
    ),
  ];
}

const NONE = rows(
  ['peripheral-anon', 'child<container>', '/machine/peripheral-anon'],
  ['peripheral', 'child<container>', '/machine/peripheral'],
  ['unattached', 'child<container>', '/machine/unattached'],
);

/** Of a q35, behind -preconfig. */
const UNINITIALIZED = rows(
  ['unattached', 'child<container>', '/machine/unattached'],
  ['pflash0', 'str', ''],
  ['hmat', 'bool', false],
  ['pflash1', 'str', ''],
  ['cxl', 'bool', false],
  ['peripheral', 'child<container>', '/machine/peripheral'],
  ['pcspk-audiodev', 'str', ''],
  ['nvdimm', 'bool', false],
  ['peripheral-anon', 'child<container>', '/machine/peripheral-anon'],
  ['cxl-fmw', 'CXLFixedMemoryWindow', []],
  ['system.flash0', 'child<cfi.pflash01>', '/machine/system.flash0'],
  ['nvdimm-persistence', 'string', ''],
  ['system.flash1', 'child<cfi.pflash01>', '/machine/system.flash1'],
);

/** With flash, where the dictionary puts them. */
const q35 = (device: (number: number) => string) =>
  rows(
    ['system.flash0', 'child<cfi.pflash01>', '/machine/system.flash0'],
    ['rtc_state', 'link<isa-device>', device(8)],
    ['nvdimm-persistence', 'string', ''],
    ['q35', 'child<q35-pcihost>', '/machine/q35'],
    ['smram', 'link<memory-region>', '/machine/q35/mch/smram[0]'],
  );
const pc = (device: (number: number) => string) =>
  rows(
    ['system.flash0', 'child<cfi.pflash01>', '/machine/system.flash0'],
    ['nvdimm-persistence', 'string', ''],
    ['rtc_state', 'link<isa-device>', device(9)],
    ['smram', 'link<memory-region>', `${device(2)}/smram[0]`],
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
