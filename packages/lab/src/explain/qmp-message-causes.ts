import type { QmpMessage } from '@sevlab/vmm-sim/qmp/qmp-messages';
import type { Cause } from './explanation.ts';

const JSON_PARSER = 'QEMU 7.2, qobject/json-parser.c';
const STREAMER = 'QEMU 7.2, qobject/json-streamer.c';
const DISPATCH = 'QEMU 7.2, qapi/qmp-dispatch.c';
const VISITOR = 'QEMU 7.2, qapi/qobject-input-visitor.c';
const OBJECTS = 'QEMU 7.2, qom';
const SHORTER = 'no client of a VMM sends this: look for a program that never ends its message';

/** What QEMU means by each message on the protocol itself. */
export const QMP_MESSAGE_CAUSES: Readonly<Record<QmpMessage, Cause>> = {
  'no JSON': {
    source: JSON_PARSER,
    means: 'the message is no JSON',
    look: 'quotes are "; a shell may have eaten them',
  },
  'too long': { source: STREAMER, means: 'the message has more than 64 MiB', look: SHORTER },
  'too many tokens': { source: STREAMER, means: 'the message has more than 2 Mi tokens', look: SHORTER },
  'too deep': {
    source: STREAMER,
    means: 'the message has more than 1024 brackets in one another',
    look: SHORTER,
  },
  'no object': { source: DISPATCH, means: 'the message is JSON, and no object: {"execute": …}' },
  'no execute': { source: DISPATCH, means: 'the message names no command: {"execute": "NAME"}' },
  'strange member': {
    source: DISPATCH,
    means: 'beside execute, arguments and id there is nothing in a message',
    look: 'exec-oob is taken only after it was asked for with qmp_capabilities',
  },
  'member no string': { source: DISPATCH, means: 'the name of a command is text' },
  'two commands': { source: DISPATCH, means: 'a message has one command' },
  'arguments no object': { source: DISPATCH, means: 'arguments is an object: {"NAME": VALUE}' },
  'not negotiated': {
    source: 'QEMU 7.2, monitor/qmp.c',
    means: 'the first command of a connection is qmp_capabilities',
    look: 'each connection begins anew',
  },
  'negotiated already': {
    source: 'QEMU 7.2, monitor/qmp-cmds-control.c',
    means: 'qmp_capabilities came twice on one connection',
  },
  'no command': {
    source: DISPATCH,
    means: 'this QEMU has no such command',
    look: 'look at query-commands; builds without SEV, and other architectures, lack some',
  },
  'not out of band': { source: DISPATCH, means: 'exec-oob takes few commands', look: 'use execute' },
  'too early': {
    source: DISPATCH,
    means: 'QEMU was started with -preconfig and is still waiting',
    look: 'x-exit-preconfig comes first',
  },
  'too late': { source: 'QEMU 7.2, softmmu/vl.c: qmp_x_exit_preconfig', means: 'the machine exists already' },
  missing: { source: VISITOR, means: 'the command needs this argument' },
  unexpected: {
    source: VISITOR,
    means: 'the command has no such argument',
    look: 'names have hyphens: packet-header, not packet_header',
  },
  'wrong type': {
    source: VISITOR,
    means: 'the argument is of another type',
    look: 'numbers stand without quotes',
  },
  'wrong value': {
    source: 'QEMU 7.2, qapi/qapi-util.c',
    means: 'the argument is one of a few words, and not this one',
  },
  'expects other': {
    source: VISITOR,
    means: 'the argument is of another kind, or out of range',
    look: 'numbers stand without quotes, and JSON has no 0x…: gpa is decimal',
  },
  'no such object': { source: OBJECTS, means: 'there is no object of that path' },
  'no such class': { source: OBJECTS, means: 'there is no type of that name' },
  'ambiguous path': { source: OBJECTS, means: 'the path does not begin with / and fits several objects' },
  'no property': { source: OBJECTS, means: 'objects of this type have no such property' },
  'not writable': { source: OBJECTS, means: 'the property can only be read' },
  'two objects': { source: OBJECTS, means: 'an object of that id is there already' },
  'object in use': { source: OBJECTS, means: 'the machine uses the object' },
  'no object of that id': { source: OBJECTS, means: 'object-add made no object of that id' },
  'reset required': {
    source: 'QEMU 7.2, monitor/qmp-cmds.c: qmp_cont',
    means: 'the guest crashed: query-status says internal-error',
    look: 'of a SEV guest: the firmware cannot run as it is in memory; its image, or -m, is not what was measured',
  },
  'no hotplug': {
    source: 'QEMU 7.2, hw/core/machine-qmp-cmds.c',
    means: 'this machine cannot take processors while it runs',
  },
  'no ACPI device': { source: 'QEMU 7.2, monitor/qmp-cmds.c', means: 'this machine has no ACPI' },
  'no SGX in KVM': {
    source: 'QEMU 7.2, hw/i386/sgx.c',
    means: 'SGX is of Intel; libvirt asks everywhere, so this means nothing',
  },
  'no SGX here': {
    source: 'QEMU 7.2, hw/i386/sgx.c',
    means: 'SGX is of Intel; libvirt asks everywhere, so this means nothing',
  },
  'no EPC': {
    source: 'QEMU 7.2, hw/i386/sgx.c',
    means: 'SGX is of Intel; libvirt asks everywhere, so this means nothing',
  },
  'not opened': {
    source: 'QEMU 7.2, softmmu/cpus.c',
    means: 'QEMU cannot write that file',
    look: 'the path is one of the host, and QEMU may run as another user',
  },
  'not written': { source: 'QEMU 7.2, softmmu/cpus.c', means: 'QEMU cannot write that file' },
  'bad size': { source: 'sevlab', means: 'more memory was to be saved than the emulated QEMU saves' },
  'bad address': { source: 'QEMU 7.2, softmmu/cpus.c', means: 'not all of these addresses are memory' },
};
