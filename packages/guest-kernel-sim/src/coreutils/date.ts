import { type Program, ProgramExit, print } from './program.ts';
import { quote } from './quote.ts';

/** date(1), coreutils 9.1, LC_ALL=C, TZ=UTC, without a format: the guest's virtual time. */
export const date: Program = function* (process) {
  const [operand] = process.args;
  if (operand !== undefined) throw new ProgramExit(`date: invalid date ${quote(operand)}\n`, 1);
  const now = new Date(Number(process.kernel.observer.clock.now / 1_000_000n));
  const [weekday = '', day = '', month, year, time] = now.toUTCString().replace(',', '').split(' ');
  yield* print(process, `${weekday} ${month} ${`${Number(day)}`.padStart(2)} ${time} UTC ${year}\n`);
  return 0;
};
