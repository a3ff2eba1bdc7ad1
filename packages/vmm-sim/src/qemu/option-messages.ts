/** What QEMU says of a command line that it refuses (7.2), by what is wrong; options stand in front of most. */
export const OPTION_MESSAGES = {
  // softmmu/vl.c, util/qemu-option.c, util/keyval.c
  'no option': '{option}: invalid option',
  'no argument': '{option}: requires an argument',
  'two of an id': "Duplicate ID '{id}' for {kind}",
  'no key': "Invalid parameter '{key}'",
  'out of range': "Value '{value}' is out of range for parameter '{name}'",
  'several values': 'Expecting at most one JSON value',
  'JSON no object': 'Invalid parameter type, expected: object',
  'bad UUID': 'failed to parse UUID string: wrong format',
  'slots alone': 'slots specified but no max-size',
  'empty model': '-cpu option cannot be empty',
  'kernel missing': '{option} only allowed with -kernel option',
  'two accelerators': 'The -accel and "-machine accel=" options are incompatible',
  'no accelerator': 'invalid accelerator {name}',
  'no machine': 'unsupported machine type',
  // hw/core/machine.c, machine-smp.c
  'reserved id': "object name '{id}' is reserved for the default RAM backend",
  'no memory': "Memory backend '{id}' not found",
  'no encryption': "No such memory encryption object '{id}'",
  'no clusters': "clusters not supported by this machine's CPU topology",
  'many vCPUs': "Invalid SMP CPUs {count}. The max CPUs supported by machine '{machine}' is {most}",
  'bad topology': 'Invalid CPU topology: {why}',
  'no X2APIC': 'current -smp configuration requires kernel irqchip and X2APIC API support.',
  // files: hw/i386/pc_sysfw.c, x86.c, pc.c, blockdev.c
  'bad flash': 'system firmware block device pflash0 has invalid size {size}',
  'large flash': 'combined size of system firmware exceeds {most} bytes',
  'no BIOS': "could not load PC BIOS '{path}'",
  'no kernel': "could not open kernel file '{path}': {why}",
  'no initrd': 'error reading initrd {path}: {why}',
  'flash 1 alone': 'pflash1 requires pflash0',
  'no flash': "Property 'cfi.pflash01.drive' can't find value '{id}'",
  'no bus': "unsupported bus type '{bus}'",
  'many flashes': 'machine type does not support if=pflash,bus=0,unit={unit}',
  'two flashes': 'drive with bus=0, unit=0 (index=-1) exists',
  // chardev/char.c
  'no driver': "'{text}' is not a valid char driver",
  'no chardev': 'chardev "{id}" not found',
  'no serial': "could not connect serial device to character backend '{text}'",
  'no chardev id': 'chardev: no id specified',
  'no backend': 'chardev: "{id}" missing backend',
  'bad chardev': 'parse error: {text}',
  'stdio twice': 'cannot use stdio by multiple character devices',
} as const;

export type OptionMessage = keyof typeof OPTION_MESSAGES;
