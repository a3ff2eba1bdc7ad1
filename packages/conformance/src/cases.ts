import firmware from '../cases/firmware.json' with { type: 'json' };
import consumers from '../cases/kernel/consumers.json' with { type: 'json' };
import deleting from '../cases/kernel/deleting.json' with { type: 'json' };
import descriptor from '../cases/kernel/descriptor.json' with { type: 'json' };
import device from '../cases/kernel/device.json' with { type: 'json' };
import efi from '../cases/kernel/efi.json' with { type: 'json' };
import memoryMap from '../cases/kernel/memory-map.json' with { type: 'json' };
import reading from '../cases/kernel/reading.json' with { type: 'json' };
import refusing from '../cases/kernel/refusing.json' with { type: 'json' };
import table from '../cases/kernel/table.json' with { type: 'json' };
import unloading from '../cases/kernel/unloading.json' with { type: 'json' };
import activation from '../cases/psp/activation.json' with { type: 'json' };
import attestation from '../cases/psp/attestation.json' with { type: 'json' };
import clients from '../cases/psp/clients.json' with { type: 'json' };
import debugging from '../cases/psp/debugging.json' with { type: 'json' };
import identity from '../cases/psp/identity.json' with { type: 'json' };
import launchFinish from '../cases/psp/launch-finish.json' with { type: 'json' };
import launchMeasure from '../cases/psp/launch-measure.json' with { type: 'json' };
import launchSecret from '../cases/psp/launch-secret.json' with { type: 'json' };
import launchStart from '../cases/psp/launch-start.json' with { type: 'json' };
import launchUpdate from '../cases/psp/launch-update.json' with { type: 'json' };
import mailbox from '../cases/psp/mailbox.json' with { type: 'json' };
import memory from '../cases/psp/memory.json' with { type: 'json' };
import migration from '../cases/psp/migration.json' with { type: 'json' };
import order from '../cases/psp/order.json' with { type: 'json' };
import platform from '../cases/psp/platform.json' with { type: 'json' };
import tenantChain from '../cases/tenant/chain.json' with { type: 'json' };
import tenantMeasurement from '../cases/tenant/measurement.json' with { type: 'json' };
import tenantPacket from '../cases/tenant/packet.json' with { type: 'json' };
import tenantSession from '../cases/tenant/session.json' with { type: 'json' };
import qmpInjection from '../cases/vmm/injection.json' with { type: 'json' };
import qmpLaunch from '../cases/vmm/launch.json' with { type: 'json' };
import qmpProtocol from '../cases/vmm/protocol.json' with { type: 'json' };
import qmpQueries from '../cases/vmm/queries.json' with { type: 'json' };
import qmpRun from '../cases/vmm/run.json' with { type: 'json' };
import type { Case } from './case.ts';

/** The files with cases, by their path below `cases`, in the order of a launch. */
export const CASE_FILES = {
  'psp/mailbox.json': mailbox,
  'psp/platform.json': platform,
  'psp/identity.json': identity,
  'psp/activation.json': activation,
  'psp/launch-start.json': launchStart,
  'psp/launch-update.json': launchUpdate,
  'psp/launch-measure.json': launchMeasure,
  'psp/launch-secret.json': launchSecret,
  'psp/launch-finish.json': launchFinish,
  'psp/attestation.json': attestation,
  'psp/debugging.json': debugging,
  'psp/migration.json': migration,
  'psp/memory.json': memory,
  'psp/clients.json': clients,
  'psp/order.json': order,
  'vmm/launch.json': qmpLaunch,
  'vmm/protocol.json': qmpProtocol,
  'vmm/queries.json': qmpQueries,
  'vmm/injection.json': qmpInjection,
  'vmm/run.json': qmpRun,
  'tenant/chain.json': tenantChain,
  'tenant/session.json': tenantSession,
  'tenant/measurement.json': tenantMeasurement,
  'tenant/packet.json': tenantPacket,
  'firmware.json': firmware,
  'kernel/efi.json': efi,
  'kernel/device.json': device,
  'kernel/descriptor.json': descriptor,
  'kernel/table.json': table,
  'kernel/reading.json': reading,
  'kernel/deleting.json': deleting,
  'kernel/refusing.json': refusing,
  'kernel/unloading.json': unloading,
  'kernel/memory-map.json': memoryMap,
  'kernel/consumers.json': consumers,
} as const;

/** The whole suite, in the order of a launch. */
export function allCases(): readonly Case[] {
  const files: readonly unknown[] = Object.values(CASE_FILES).flat();
  return files as readonly Case[]; // cases.test.ts holds every one of them against the schema
}
