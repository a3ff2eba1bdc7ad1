import { fillForm } from '@sevlab/codec/message-form';
import { inHashTableOrder } from '../qmp/glib-hash-table.ts';
import type { JsonObject, JsonValue, Reply } from '../qmp/json-value.ts';
import { QmpError } from '../qmp/qmp-error.ts';
import { QMP_MESSAGES } from '../qmp/qmp-messages.ts';
import type { Chardev } from './machine-options.ts';
import { machineProperties, machineType, ramProperties } from './machine-properties.ts';
import type { QemuMachine } from './qemu-machine.ts';
import { SEV_KINDS, SEV_PROPERTIES, type SevObject, sevObjectOf } from './sev-object.ts';

/** A property of an object: what qom-list tells, and its value. */
export interface Property {
  readonly name: string;
  readonly type: string;
  readonly value?: Reply;
  /** Takes another value. Throws QmpError. */
  readonly set?: (value: JsonValue) => void;
}

/** An object of QEMU's tree; a child is a property too, of type `child<…>`. */
interface QomObject {
  readonly type: string;
  readonly properties: readonly Property[];
  readonly children: ReadonlyMap<string, QomObject>;
}

/**
 * The objects of a machine, as far as somebody who launches a SEV guest looks: containers, the machine, its RAM, its
 * monitors and its guest object. NOT MODELLED: everything else in QEMU's tree.
 */
function rootOf(machine: QemuMachine): QomObject {
  const { objects, initialized } = machine.state;
  const guests = objects.map((object, i): [string, QomObject] => [
    object.id,
    sevObject(object, (changed) => objects.splice(i, 1, changed)),
  ]);
  const hasRam = initialized && machine.options.machine !== 'none';
  const ram: [string, QomObject][] = hasRam
    ? [['pc.ram', leaf('memory-backend-ram', ramProperties(machine))]]
    : [];
  const there = new Set(machine.options.objects.map(({ id }) => id)); // before there was RAM
  const all = [...guests.filter(([id]) => there.has(id)), ...ram, ...guests.filter(([id]) => !there.has(id))];
  return container('', [
    ...(all.length > 0 || machine.state.objectsSought
      ? [['objects', container('/objects', inListedOrder(all))] as const]
      : []),
    ['machine', machineObject(machine)],
    ['chardevs', container('/chardevs', inListedOrder(machine.options.chardevs.map(monitorObject)))],
  ]);
}

/** What came one by one is in a hash table, and listed from its end. */
export function inListedOrder<T>(
  children: readonly (readonly [string, T])[],
): readonly (readonly [string, T])[] {
  const names = inHashTableOrder(children.map(([name]) => name)).toReversed();
  return names.flatMap((name) => children.filter(([each]) => each === name));
}

const leaf = (type: string, properties: readonly Property[]): QomObject => ({
  ...{ type, properties, children: new Map() },
});

const container = (path: string, children: readonly (readonly [string, QomObject])[] = []): QomObject => ({
  type: 'container',
  properties: children.map(([name, { type }]) => childProperty(path, name, type)),
  children: new Map(children),
});

const childProperty = (path: string, name: string, type: string): Property => ({
  ...{ name, type: `child<${type}>`, value: `${path}/${name}` },
});

function machineObject(machine: QemuMachine): QomObject {
  const names = ['unattached', 'peripheral', 'peripheral-anon'];
  return {
    type: machineType(machine),
    properties: machineProperties(machine),
    children: new Map(names.map((name) => [name, container(`/machine/${name}`)])),
  };
}

const monitorObject = ({ label, filename }: Chardev): readonly [string, QomObject] => [
  label,
  leaf('chardev-socket', [
    { name: 'connected', type: 'bool', value: true },
    {
      name: 'addr',
      type: 'SocketAddress',
      value: { path: filename.replace(/^unix:|,server=on$/g, ''), type: 'unix' },
    },
  ]),
];

function sevObject(object: SevObject, change: (changed: SevObject) => void): QomObject {
  const properties = SEV_PROPERTIES.map(
    ([name, type]): Property => ({
      ...{ name, type, value: object[name] },
      set: (value) => change({ ...object, [name]: SEV_KINDS[type]!.kind(name, value) }), // every type of the table is there
    }),
  );
  return leaf('sev-guest', properties);
}

/** An absolute path from the root, or a path that fits somewhere, and there only. Throws QmpError. */
function objectAt(machine: QemuMachine, path: string): QomObject {
  const [object, another] = objectsAt(machine, path);
  if (object === undefined || another !== undefined)
    throw new QmpError(fillForm(QMP_MESSAGES['no such object'], { path }), 'DeviceNotFound');
  return object;
}

function objectsAt(machine: QemuMachine, path: string): readonly QomObject[] {
  const root = rootOf(machine);
  const names = path.split('/');
  const found = path.startsWith('/') ? [below(root, names)] : partialMatches(root, names);
  return found.filter((object) => object !== undefined);
}

/** Empty names stay where they are. */
const below = (object: QomObject, names: readonly string[]): QomObject | undefined =>
  names.reduce<QomObject | undefined>((at, name) => (name === '' ? at : at?.children.get(name)), object);

const partialMatches = (object: QomObject, names: readonly string[]): (QomObject | undefined)[] => [
  below(object, names),
  ...[...object.children.values()].flatMap((child) => partialMatches(child, names)),
];

const TYPE = { name: 'type', type: 'string' } as const;

/** `qom-list`. Throws QmpError, as all here do. */
export function listProperties(machine: QemuMachine, path: string): Reply {
  if (objectsAt(machine, path).length > 1)
    throw new QmpError(fillForm(QMP_MESSAGES['ambiguous path'], { path }));
  return [TYPE, ...objectAt(machine, path).properties].map(({ name, type }) => ({ name, type }));
}

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
  if (set === undefined)
    throw new QmpError(fillForm(QMP_MESSAGES['not writable'], { type: object.type, name }));
  set(value);
}

function propertyOf({ type, properties }: QomObject, name: string): Property {
  const property = properties.find((each) => each.name === name);
  if (property === undefined) throw new QmpError(fillForm(QMP_MESSAGES['no property'], { type, name }));
  return property;
}

/** `object-add`, of a sev-guest. */
export function addObject(machine: QemuMachine, given: JsonObject): void {
  const object = sevObjectOf(given);
  machine.state.objectsSought = true;
  if (rootOf(machine).children.get('objects')?.children.has(object.id))
    throw new QmpError(fillForm(QMP_MESSAGES['two objects'], { id: object.id }));
  machine.state.objects.push(object);
}

/** `object-del`. */
export function deleteObject({ state }: QemuMachine, id: string): void {
  state.objectsSought = true;
  const { objects } = state;
  if (id === 'pc.ram') throw new QmpError(fillForm(QMP_MESSAGES['object in use'], { id }));
  const index = objects.findIndex((object) => object.id === id);
  if (index === -1) throw new QmpError(fillForm(QMP_MESSAGES['no object of that id'], { id }));
  objects.splice(index, 1);
}

/** `qom-list-properties`. */
export function listTypeProperties(type: string): Reply {
  if (type !== 'sev-guest')
    throw new QmpError(fillForm(QMP_MESSAGES['no such class'], { type }), 'DeviceNotFound');
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
