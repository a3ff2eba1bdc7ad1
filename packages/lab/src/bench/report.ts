import { cpus, loadavg } from 'node:os';
import { VERSION } from '../version.ts';
import type { Measured } from './figure.ts';
import type { Spread } from './spread.ts';

/** Where figures were measured, and with how much else to do: the load of the last minute. */
export const machineHere = () => ({
  sevlab: VERSION,
  node: process.versions.node,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  load: Math.round(loadavg()[0]! * 10) / 10, // it always has three
});

/** One line for people. */
export function figureLine(figure: Measured): string {
  if ('missing' in figure) return `  -       ${figure.name.padEnd(24)} ${figure.missing}`;
  const { name, value, unit, target, met } = figure;
  const wanted =
    target === undefined
      ? ''
      : target.atMost === undefined
        ? `, at least ${target.atLeast}`
        : `, at most ${target.atMost}`;
  const mark = met === undefined ? '  -    ' : met ? '  met  ' : 'NOT MET';
  return `${mark}   ${name.padEnd(24)} ${spreadText(value)} ${unit}${wanted}`;
}

/** The median, and between which values half of the runs lie. */
export const spreadText = ({ median, low, high }: Spread): string =>
  `${short(median)} (${short(low)} to ${short(high)})`;

/** Three digits that count. */
export const short = (value: number): string =>
  value >= 1000 ? Math.round(value).toString() : String(Number(value.toPrecision(3)));
