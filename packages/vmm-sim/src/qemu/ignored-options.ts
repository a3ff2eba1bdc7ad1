const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Options that are taken for granted, with an argument and without. NOT MODELLED: what they ask for. */
export const IGNORED_WITH_ARGUMENT: ReadonlySet<string> = words(`
  display vga device netdev net nic rtc boot sandbox msg overcommit global audiodev vnc
  spice fw_cfg smbios usbdevice watchdog-action D d k runas iscsi numa virtfs fsdev parallel
  set action add-fd trace icount L
`);
export const IGNORED_ALONE: ReadonlySet<string> = words(`
  no-user-config no-reboot no-shutdown no-hpet no-acpi usb no-fd-bootchk
`);
