import type { Explanation, LeadingCheck } from './explanation.ts';

/** An explanation as a person reads it, without a line end behind it. */
export function explanationText({ what, by, means, look, checks = [], source }: Explanation): string {
  return [
    `${what}  (${by})`,
    `  ${means}`,
    ...(look === undefined ? [] : [`  look: ${look}`]),
    ...checkLines(checks),
    ...(source === undefined ? [] : [`  source: ${source}`]),
  ].join('\n');
}

/** The rows, those of one command behind one another. */
function checkLines(checks: readonly LeadingCheck[]): readonly string[] {
  const width = Math.max(...checks.map(({ command }) => command.length));
  return checks.map(({ command, row, mustHold, status }, i) => {
    const lead = i === 0 ? 'unless' : '      ';
    return `  ${lead} ${command.padEnd(width)} ${String(row).padStart(2)}: ${mustHold}, else ${status}`;
  });
}
