import type { JsonObject, JsonValue, Reply } from '../qmp/json-value.ts';
import { string, takeArguments } from '../qmp/parameters.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { SEV_PROPERTIES, SEV_VALUES, type SevObject, sevObjectOf } from './sev-object.ts';

/** A property of an object: what qom-list tells, and its value. */
interface Property {
  readonly name: string;
  readonly type: string;
  readonly value?: Reply;
  /** Takes another value. Throws QmpError. */
  readonly set?: (value: JsonValue) => void;
}

interface QomObject {
  readonly type: string;
  readonly properties: readonly Property[];
}

/**
 * The objects of a machine by their path, as far as somebody who launches a SEV guest looks: containers, the machine
 * and its guest object. NOT MODELLED: everything else in QEMU's tree.
 */
function objectAt(machine: QemuMachine, path: string): QomObject {
  const objects = new Map<string, QomObject>([
    [
      '',
      container(
        child('objects', 'container'),
        child('machine', machineType(machine)),
        child('chardevs', 'container'),
      ),
    ],
    [
      '/objects',
      container(
        ...machine.state.objects.toReversed().map(({ id }) => child(id, 'sev-guest')),
        child('pc.ram', 'memory-backend-ram'),
      ),
    ],
    ['/machine', machineObject(machine)],
    ...machine.state.objects.map((object, i): [string, QomObject] => [
      `/objects/${object.id}`,
      sevObject(object, (changed) => machine.state.objects.splice(i, 1, changed)),
    ]),
  ]);
  const absolute = path.startsWith('/') ? path.replace(/\/+$/, '') : undefined;
  const found =
    absolute === undefined
      ? [...objects].find(([key]) => key === `/${path}` || key === `/objects/${path}`)?.[1]
      : objects.get(absolute);
  if (found === undefined) throw new QmpError(`Device '${path}' not found`, 'DeviceNotFound');
  return found;
}

const TYPE = { name: 'type', type: 'string' } as const;
const child = (name: string, type: string): Property => ({ name, type: `child<${type}>` });
const container = (...properties: Property[]): QomObject => ({ type: 'container', properties });

const machineType = ({ options: { machine, release } }: QemuMachine): string =>
  machine === 'none'
    ? 'none-machine'
    : `pc-${machine === 'pc' ? 'i440fx' : machine}-${release.major}.${release.minor}-machine`;

function machineObject(machine: QemuMachine): QomObject {
  const { sevGuest } = machine.options;
  return {
    type: machineType(machine),
    properties: [
      {
        name: 'confidential-guest-support',
        type: 'link<confidential-guest-support>',
        value: sevGuest ? `/objects/${sevGuest}` : '',
      },
      { name: 'memory-encryption', type: 'string', value: sevGuest ?? '' },
    ],
  };
}

function sevObject(object: SevObject, change: (changed: SevObject) => void): QomObject {
  const properties = SEV_PROPERTIES.map(
    ([name, type]): Property => ({
      ...{ name, type, value: object[name] },
      set: (value) => change({ ...object, [name]: SEV_VALUES[type]!(name, value) }), // every type of the table is there
    }),
  );
  return { type: 'sev-guest', properties };
}

/** `qom-list`. Throws QmpError, as all here do. */
export const listProperties = (machine: QemuMachine, path: string): Reply =>
  [TYPE, ...objectAt(machine, path).properties].map(({ name, type }) => ({ name, type }));

/** `qom-get`. */
export function getProperty(machine: QemuMachine, path: string, name: string): Reply {
  const object = objectAt(machine, path);
  if (name === TYPE.name) return object.type;
  return propertyOf(object, name).value ?? '';
}

/** `qom-set`. */
export function setProperty(machine: QemuMachine, path: string, name: string, value: JsonValue): void {
  const object = objectAt(machine, path);
  const set = name === TYPE.name ? undefined : propertyOf(object, name).set;
  if (set === undefined) throw new QmpError(`Property '${object.type}.${name}' is not writable`);
  set(value);
}

function propertyOf({ type, properties }: QomObject, name: string): Property {
  const property = properties.find((each) => each.name === name);
  if (property === undefined) throw new QmpError(`Property '${type}.${name}' not found`);
  return property;
}

/** `object-add`, of a sev-guest. */
export function addObject(machine: QemuMachine, given: JsonObject): void {
  const type = takeArguments(
    { 'qom-type': string },
    new Map([...given].filter(([name]) => name === 'qom-type')),
  )['qom-type'];
  if (type !== 'sev-guest') throw new QmpError(`Parameter 'qom-type' does not accept value '${type}'`);
  const object = sevObjectOf(given);
  const { objects } = machine.state;
  if (objects.some(({ id }) => id === object.id))
    throw new QmpError(`attempt to add duplicate property '${object.id}' to object (type 'container')`);
  objects.push(object);
}

/** `object-del`. */
export function deleteObject({ state: { objects } }: QemuMachine, id: string): void {
  const index = objects.findIndex((object) => object.id === id);
  if (index === -1) throw new QmpError(`object '${id}' not found`);
  objects.splice(index, 1);
}

/** `qom-list-properties`. */
export function listTypeProperties(type: string): Reply {
  if (type !== 'sev-guest') throw new QmpError(`Class '${type}' not found`, 'DeviceNotFound');
  const properties = SEV_PROPERTIES.map(([name, propertyType, description]) => ({
    name,
    ...(description && { description }),
    type: propertyType,
  }));
  return [TYPE, ...properties];
}

/** `qom-list-types`: the types that something here is of. */
export const listTypes = (machine: QemuMachine, implemented: string | undefined): Reply =>
  [
    { name: 'sev-guest', parent: 'confidential-guest-support' },
    { name: 'memory-backend-ram', parent: 'memory-backend' },
    { name: machineType(machine), parent: 'generic-pc-machine' },
  ].filter(({ name, parent }) => {
    if (implemented === undefined || name === implemented || parent === implemented) return true;
    return implemented === 'object' || (implemented === 'user-creatable' && parent !== 'generic-pc-machine');
  });
