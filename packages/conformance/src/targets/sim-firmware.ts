import { createObserver } from '@sevlab/ambient/observer';
import { type Gpa, gpa, type Spa, spa } from '@sevlab/codec/address';
import { fromHex, padTo, toHex } from '@sevlab/codec/bytes';
import { SEV_METADATA_GUID } from '@sevlab/codec/guid';
import { LaunchMeasurement } from '@sevlab/codec/sev/session';
import { bootFirmware } from '@sevlab/firmware-sim/boot';
import { BOOT_ITEMS } from '@sevlab/firmware-sim/direct-boot/boot-blobs';
import { buildImage } from '@sevlab/firmware-sim/image';
import { type Inspection, inspectImage } from '@sevlab/firmware-sim/inspect';
import { LAYOUTS, type Layout } from '@sevlab/firmware-sim/layouts';
import { NO_BOOT_OPTION } from '@sevlab/firmware-sim/stopped';
import { serve } from '@sevlab/psp-sim/mailbox';
import type { BootItemName, BuiltImage, FirmwareCase, FirmwareGiven, FirmwareThen } from '../case.ts';
import { tableImageBytes } from '../firmware-image.ts';
import { hashesTableBytes, offeredItems } from '../offered-kernel.ts';
import { flipBit } from './faulty-certificate.ts';
import { inHex, seeHandover } from './firmware-see.ts';
import {
  createPlatform,
  flushCaches,
  locateWhole,
  meetTenant,
  secretFields,
  startFields,
} from './sim-platform.ts';
import { sealFaulty } from './tenant.ts';

const ASID = 100;
const POLICY = 1;
const MEMORY_SIZE = 0x800_0000n;
const IMAGE_END = 0x1_0000_0000n;

/** Inspects an image; for `boot` a guest is also launched from it, and runs. Throws GivenNotReached. */
export function answerFirmware({ given, when, then }: FirmwareCase): FirmwareThen {
  const image = imageBytes(given);
  const seen = inspect(image);
  if (when === 'inspect') return seen;
  if (!('layout' in given.image)) throw new Error('an image that is only a table cannot be booted');
  return { ...seen, ...boot(image, given, given.image, Object.keys(then.types ?? {})) };
}

function imageBytes({ image, flip }: FirmwareGiven): Uint8Array {
  const bytes = 'layout' in image ? buildImage(buildOptions(image)) : tableImageBytes(image);
  if (flip !== undefined) flipBit(bytes, (bytes.length - flip.fromEnd) * 8 + flip.bit);
  return bytes;
}

const buildOptions = ({ secretArea, ...options }: BuiltImage) => ({
  ...options,
  ...(secretArea && { secretArea: { base: Number(secretArea.base), size: Number(secretArea.size) } }),
});

function inspect(image: Uint8Array): FirmwareThen {
  const inspection = inspectImage(image);
  const { table, entries, secretArea, hashesArea } = inspection;
  return {
    table: tableWord(table),
    ...(table.kind === 'table' && { tableLength: table.size }),
    entries: entries.map(({ guid, data }) => ({ guid, data: toHex(data) })),
    secretArea: secretArea ? inHex(secretArea) : 'none',
    hashesArea: hashesArea ? inHex(hashesArea) : 'none',
    metadata: metadataOf(inspection),
  };
}

function tableWord(table: Inspection['table']): NonNullable<FirmwareThen['table']> {
  if (table.kind === 'table') return 'there';
  return table.reason.includes('invalid size') ? 'invalid size' : 'none';
}

function metadataOf({ entries }: Inspection): NonNullable<FirmwareThen['metadata']> {
  const entry = entries.find(({ guid }) => guid === SEV_METADATA_GUID);
  if (entry === undefined) return 'none';
  if (entry.decoded?.kind !== 'offset' || entry.decoded.sections === undefined) return 'refused';
  return entry.decoded.sections.map(({ base, size, type }) => ({ ...inHex({ base, size }), type }));
}

function boot(
  image: Uint8Array,
  { hostFlip, secret, offered, hashes }: FirmwareGiven,
  { layout }: BuiltImage,
  addresses: readonly string[],
): FirmwareThen {
  const { raw } = createPlatform(serve);
  const { memory } = raw.host;
  const imageAt = gpa(IMAGE_END - BigInt(image.length));
  const guest = raw.host.createGuest([
    { gpa: gpa(0n), length: MEMORY_SIZE },
    { gpa: imageAt, length: BigInt(image.length) },
  ]);
  const { secretArea, hashesArea }: Layout = LAYOUTS[layout];
  const items = offered ? offeredItems(offered) : {};
  // entries of a record whose keys are that type
  for (const [name, bytes] of Object.entries(items) as [BootItemName, Uint8Array][])
    raw.host.offerFwCfg(guest, BOOT_ITEMS[name], bytes);
  const area = gpa(BigInt(secretArea.base));

  raw.expect('INIT');
  flushCaches(raw);
  const tenant = meetTenant(raw);
  const start = startFields(raw, POLICY, tenant.certificate(), tenant.session(POLICY));
  const { handle = 0 } = raw.expect('LAUNCH_START', start);
  raw.expect('ACTIVATE', { handle, asid: ASID });
  const measure = (at: Gpa, bytes: Uint8Array): Spa => {
    const paddr = locateWhole(raw, guest, at, bytes.length);
    memory.write(paddr, bytes);
    raw.expect('LAUNCH_UPDATE_DATA', { handle, paddr, length: bytes.length });
    return paddr;
  };
  const paddr = measure(imageAt, image);
  if (hashes !== undefined && hashesArea !== undefined) {
    const table = hashes === 'zeros' ? new Uint8Array() : hashesTableBytes(hashes, items);
    measure(gpa(BigInt(hashesArea.base)), padTo(table, hashesArea.size));
  }
  const measurePaddr = raw.reserve(LaunchMeasurement.size);
  raw.expect('LAUNCH_MEASURE', { handle, measurePaddr, measureLen: LaunchMeasurement.size });
  if (secret !== undefined) {
    const measurement = LaunchMeasurement.decode(memory.read(measurePaddr, LaunchMeasurement.size));
    const target = locateWhole(raw, guest, area, secret.length / 2);
    raw.expect(
      'LAUNCH_SECRET',
      secretFields(raw, Number(handle), target, sealFaulty(fromHex(secret), measurement, true)),
    );
  }
  if (hostFlip !== undefined) {
    const at = spa(paddr + BigInt(image.length - hostFlip.fromEnd));
    const cell = memory.read(at, 1);
    flipBit(cell, hostFlip.bit);
    memory.write(at, cell);
  }
  raw.expect('LAUNCH_FINISH', { handle });

  return raw.host.vmrun(guest, ASID, (context): FirmwareThen => {
    const observer = createObserver({ record: true });
    const result = bootFirmware({ context, observer, memorySize: MEMORY_SIZE });
    const seen = observer.events.flatMap((event) =>
      event.type === 'boot-blob' ? [[event.name, event.outcome] as const] : [],
    );
    if (result.kind === 'stopped')
      return { outcome: 'stopped', items: Object.fromEntries(seen), console: lastSeen(result.reason) };
    return {
      outcome: 'handover',
      items: Object.fromEntries(seen),
      ...seeHandover(context.memory, result.bootParams, area, addresses),
      ...(secret !== undefined && { secret: toHex(context.memory.readPrivate(area, secret.length / 2)) }),
    };
  });
}

/** What such a reason is to a person in front of the console. */
const lastSeen = (reason: string): NonNullable<FirmwareThen['console']> =>
  reason.startsWith(NO_BOOT_OPTION) ? NO_BOOT_OPTION : 'nothing';
