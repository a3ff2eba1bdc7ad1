import type { QEMU_RELEASES } from '@sevlab/vmm-sim/qemu/machine-options';
import { optionValue } from '@sevlab/vmm-sim/qemu/option-text';

/** The options of sevlab vmm. */
export interface VmmOptions {
  readonly qmp: readonly string[];
  readonly console?: string;
  readonly firmware?: string;
  readonly policy?: string;
  readonly dhCertFile?: string;
  readonly sessionFile?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly kernelHashes?: boolean;
  readonly memory?: string;
  readonly linux: string;
  readonly as?: string;
  readonly qemu: keyof typeof QEMU_RELEASES;
  readonly store?: string;
  readonly seed?: string;
  readonly realQemu?: boolean;
  readonly ram?: string;
  readonly lint?: boolean;
  readonly trace?: string;
  readonly reveal?: boolean;
  readonly installEmulator?: string;
  readonly force?: boolean;
}

/** Our own options, as QEMU has them. */
export function inWordsOfQemu(options: VmmOptions): readonly string[] {
  const property = (name: string, text: string | undefined): string =>
    text === undefined ? '' : `,${name}=${optionValue(text)}`;
  const given = (option: string, text: string | undefined): readonly string[] =>
    text === undefined ? [] : [option, text];
  const serial = options.console === undefined ? [] : ['-serial', endpointText(options.console)];
  if (!describesMachine(options)) return serial;
  const object =
    `sev-guest,id=sev0,cbitpos=51,reduced-phys-bits=6${property('policy', options.policy)}` +
    property('dh-cert-file', options.dhCertFile) +
    property('session-file', options.sessionFile) +
    (options.kernelHashes ? ',kernel-hashes=on' : '');
  return [
    ...['-machine', 'q35,confidential-guest-support=sev0', '-object', object],
    ...['-S', '-m', options.memory ?? '512M'],
    ...(options.firmware === undefined
      ? []
      : ['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${optionValue(options.firmware)}`]),
    ...(options.realQemu ? ['-nodefaults', '-no-user-config', '-display', 'none'] : []),
    ...given('-kernel', options.kernel),
    ...given('-initrd', options.initrd),
    ...given('-append', options.append),
    ...options.qmp.flatMap((place) => ['-qmp', endpointText(place)]),
    ...serial,
  ];
}

/** Whether our own options tell of a machine; otherwise QEMU's do. */
export const describesMachine = (options: VmmOptions): boolean =>
  [
    ...options.qmp,
    ...[options.firmware, options.policy, options.dhCertFile, options.sessionFile, options.kernel],
    ...[options.initrd, options.append, options.kernelHashes, options.memory],
  ].some((given) => given !== undefined);

/** A place as QEMU has it: a path is that of a socket. */
function endpointText(place: string): string {
  if (place === 'stdio') return place;
  return `${/^(tcp|unix):/.test(place) ? place : `unix:${optionValue(place)}`},server=on,wait=off`;
}
