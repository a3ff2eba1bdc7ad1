import { fromHex } from '@sevlab/codec/bytes';
import { readSecretTable, SecretEntry, SecretHeader } from '@sevlab/codec/efi/secret-table';
import type { Case, FirmwareCase, KernelCase } from './case.ts';
import { tableImageBytes } from './firmware-image.ts';
import { imagePassage } from './image-passage.ts';
import { kernelProbe } from './kernel-probe.ts';
import type { Passage, PassedBytes } from './passage.ts';
import type { CaseResult } from './run.ts';

/** What passed between the suite and a target: as it was told, or what the case says was put before it. */
export function passagesOf(testCase: Case, { passages }: Pick<CaseResult, 'passages'>): readonly Passage[] {
  if (passages !== undefined) return passages;
  if (testCase.room === 'kernel') return [kernelPassage(testCase)];
  return testCase.room === 'firmware' ? [firmwarePassage(testCase)] : [];
}

function kernelPassage(testCase: KernelCase): Passage {
  const { mode, operations, area, base, size } = kernelProbe(testCase);
  const place = `an area of 0x${size.toString(16)} bytes at 0x${base.toString(16)}`;
  const how = { bind: 'bind the driver', load: 'load its module', none: 'leave the driver alone' }[mode];
  return { asked: [`${place}; ${how}`, ...operations].join('\n'), bytes: secretTableBytes(area) };
}

/** The table's header and its entries, each by itself. */
function secretTableBytes(area: Uint8Array): PassedBytes[] {
  const { entries } = readSecretTable(area);
  const header = {
    what: 'secret table',
    bytes: area.subarray(0, SecretHeader.size),
    structure: SecretHeader,
  };
  const behind = area.subarray(SecretHeader.size);
  if (entries.length === 0)
    return behind.length === 0 ? [header] : [header, { what: 'behind it', bytes: behind }];
  return [
    header,
    ...entries.flatMap(({ offset, len }, i): PassedBytes[] => {
      const data = offset + SecretEntry.size;
      return [
        { what: `entry ${i + 1}`, bytes: area.subarray(offset, data), structure: SecretEntry },
        { what: `data ${i + 1}`, bytes: area.subarray(data, offset + len), are: 'a secret' },
      ];
    }),
  ];
}

function firmwarePassage({ given, when }: FirmwareCase): Passage {
  const { image, secret, offered } = given;
  const bytes: PassedBytes[] = 'layout' in image ? [] : imagePassage(tableImageBytes(image));
  const asked = {
    inspect: 'read the table at the end of the image',
    boot: `boot the image${'layout' in image ? ` of the layout ${image.layout}` : ''}${offered ? ', a kernel offered' : ''}`,
  }[when];
  return { asked, bytes: [...bytes, ...(secret === undefined ? [] : secretTableBytes(fromHex(secret)))] };
}
