import type { JsonObject } from '../qmp/json-value.ts';
import { boolean, optional, string, takeArguments, uint32, wordOf } from '../qmp/parameters.ts';

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
}

/** The properties in QEMU's order, each with its type there. */
export const SEV_PROPERTIES: readonly (readonly [
  name: keyof Omit<SevObject, 'id'>,
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

/** In the order of the schema, which is another one than that of the properties (qapi/qom.json). */
export const SEV_PARAMETERS = {
  ...{ 'qom-type': wordOf(['sev-guest']), id: string },
  ...{ 'sev-device': optional(string), 'dh-cert-file': optional(string), 'session-file': optional(string) },
  ...{ policy: optional(uint32), handle: optional(uint32), cbitpos: optional(uint32) },
  ...{ 'reduced-phys-bits': uint32, 'kernel-hashes': optional(boolean) },
};

/** A guest object as its creator describes it. Throws QmpError. */
export function sevObjectFrom(given: JsonObject): SevObject {
  const { 'qom-type': _, id, ...properties } = takeArguments(SEV_PARAMETERS, given);
  const chosen = Object.entries(properties).filter(([, value]) => value !== undefined);
  return { ...SEV_DEFAULTS, 'reduced-phys-bits': 0, ...Object.fromEntries(chosen), id };
}
