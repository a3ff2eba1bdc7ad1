import { fillForm } from '@sevlab/codec/message-form';
import type { JsonObject } from '../qmp/json-value.ts';
import { boolean, optional, string, takeArguments, uint32, wordOf } from '../qmp/parameters.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';

/** QEMU's object `sev-guest`: what the command line says of a SEV guest (7.2, qapi/qom.json: SevGuestProperties). */
export interface SevObject {
  readonly id: string;
  /** Mandatory; what the guest loses of physical addresses. */
  readonly 'reduced-phys-bits': number;
  readonly cbitpos: number;
  readonly policy: number;
  /** What LAUNCH_START is given, and afterwards what it gave. */
  handle: number;
  readonly 'sev-device': string;
  /** Paths of files in Base64; empty for none. */
  readonly 'dh-cert-file': string;
  readonly 'session-file': string;
  readonly 'kernel-hashes': boolean;
  /** Since 9.1: whether KVM_SEV_ES_INIT makes the guest, rather than KVM_SEV_INIT2. Default: `auto`, which comes to `on`. */
  readonly 'legacy-vm-type'?: OnOffAuto;
}

type OnOffAuto = 'on' | 'off' | 'auto';

/** The properties in QEMU's order, each with its type there. */
export const SEV_PROPERTIES: readonly (readonly [
  name: keyof Omit<SevObject, 'id' | 'legacy-vm-type'>,
  type: string,
  about?: string,
])[] = [
  ['dh-cert-file', 'string', 'guest owners DH certificate (encoded with base64)'],
  ['sev-device', 'string', 'SEV device to use'],
  ['session-file', 'string', 'guest owners session parameters (encoded with base64)'],
  ['kernel-hashes', 'bool', 'add kernel hashes to guest firmware for measured Linux boot'],
  ['handle', 'uint32'],
  ['policy', 'uint32'],
  ['reduced-phys-bits', 'uint32'],
  ['cbitpos', 'uint32'],
];

export const SEV_DEFAULTS: Omit<SevObject, 'id' | 'reduced-phys-bits'> = {
  ...{ cbitpos: 0, policy: 1, handle: 0, 'sev-device': '/dev/sev' },
  ...{ 'dh-cert-file': '', 'session-file': '', 'kernel-hashes': false },
};

/** How a value of a property's type is taken. */
export const SEV_KINDS: Readonly<Record<string, typeof string | typeof boolean | typeof uint32>> = {
  ...{ string, bool: boolean, uint32 },
};

/** In the order of the schema, which is another one than that of the properties (qapi/qom.json). */
const SEV_PARAMETERS = {
  ...{ 'qom-type': wordOf(['sev-guest']), id: string },
  ...{ 'sev-device': optional(string), 'dh-cert-file': optional(string), 'session-file': optional(string) },
  ...{ policy: optional(uint32), handle: optional(uint32), cbitpos: optional(uint32) },
  ...{ 'reduced-phys-bits': uint32, 'kernel-hashes': optional(boolean) },
};

/** What JSON says of a sev-guest, its type with it. Throws QmpError. */
export function sevObjectOf(given: JsonObject): SevObject {
  const { 'qom-type': _, id, ...properties } = takeArguments(SEV_PARAMETERS, given);
  expectIdentifier(id);
  const chosen = Object.entries(properties).filter(([, value]) => value !== undefined);
  return { ...SEV_DEFAULTS, 'reduced-phys-bits': 0, ...Object.fromEntries(chosen), id };
}

/** Throws QmpError (util/id.c: id_wellformed). */
export function expectIdentifier(id: string): void {
  if (/^[A-Za-z][\w.-]*$/.test(id)) return;
  throw new QmpError(fillForm(QMP_MESSAGES['expects other'], { name: 'id', expected: 'an identifier' }));
}
