import { fillForm } from '@sevlab/codec/message-form';
import type { Reading } from './command-line-reading.ts';
import { OPTION_MESSAGES } from './option-messages.ts';
import { parseJsonOption, parseNumber, parseOption, ValueError } from './option-text.ts';

const BUSES = ['ide', 'scsi', 'floppy', 'pflash', 'mtd', 'sd', 'virtio', 'xen', 'none'];

/** -drive: flash unit 0 is the firmware; unit 1 is not measured. Throws ValueError. */
export function takeDrive(reading: Reading, text: string): void {
  const drive = parseOption(text);
  const bus = drive.get('if') ?? 'ide';
  if (!BUSES.includes(bus)) throw new ValueError(fillForm(OPTION_MESSAGES['no bus'], { bus }));
  const unit = parseNumber('unit', drive.get('unit') ?? drive.get('index') ?? '0');
  const file = drive.get('file');
  if (bus !== 'pflash') {
    reading.result.ignored.push(`-drive ${text}`);
    return;
  }
  if (unit > 1) throw new ValueError(fillForm(OPTION_MESSAGES['many flashes'], { unit }));
  if (unit === 1) reading.secondFlash = true;
  if (unit === 1 || file === undefined) return;
  if (reading.result.firmwareOption !== undefined) throw new ValueError(OPTION_MESSAGES['two flashes']);
  Object.assign(reading.result, { firmwareFile: file, firmwareOption: `-drive ${text}` });
}

/** -blockdev. Throws ValueError. */
export function takeBlockdev({ blockdevs }: Reading, text: string): void {
  const values = text.startsWith('{') ? parseJsonOption(text) : parseOption(text);
  const name = values.get('node-name');
  if (name !== undefined) blockdevs.set(name, { values, option: `-blockdev ${text}` });
}

/** The file under a block device, through formats and the like, and the option that names it. */
export function fileBehind(
  blockdevs: Reading['blockdevs'],
  name: string,
): { readonly file: string; readonly option: string } | undefined {
  const seen = new Set<string>();
  for (let node: string | undefined = name; node !== undefined && !seen.has(node); ) {
    seen.add(node);
    const device = blockdevs.get(node);
    const file = device?.values.get('filename');
    if (device !== undefined && file !== undefined) return { file, option: device.option };
    node = device?.values.get('file');
  }
  return undefined;
}
