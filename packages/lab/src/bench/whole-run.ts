import { compare, type Effort } from './compare.ts';
import { type Figure, ratioFigure } from './figure.ts';
import { benchSecrets, benchSetup, wholeRun } from './guest-under-test.ts';
import { recordPrimitives } from './recorded-primitives.ts';

const FIRMWARE = 4 * 1024 * 1024;

/** A run from power-on to the shell, beside the cryptography that it cannot do without. */
export function wholeRunFigures(effort: Effort): Figure[] {
  const setup = benchSetup(FIRMWARE);
  const secrets = benchSecrets(4);
  const run = () => wholeRun(setup, secrets);
  run();
  const { replay } = recordPrimitives(run);
  return [
    ratioFigure(
      {
        name: 'whole-run',
        what: 'one run with 4 MiB of firmware, from power-on to a kernel with four secrets',
        reference: 'every call to node:crypto of that run, made again alone, bulk data as one flat buffer',
        target: { atMost: 1.5 },
      },
      compare(run, replay, effort),
    ),
  ];
}
