// Runs the conformance suite on one mutant, up to the first case that fails, and tells the main thread of each case.
import { parentPort, workerData } from 'node:worker_threads';

const { suite, row, profile, only, first } = workerData;
const { allCases, runCase, simTarget, SUPPORT, PROFILES } = await import(
  `data:text/javascript;base64,${Buffer.from(suite).toString('base64')}`
);

if (row) {
  const { rows } = SUPPORT[row.command].command;
  rows.splice(row.index, row.swap ? 2 : 1, ...(row.swap ? [rows[row.index + 1], rows[row.index]] : []));
}
if (profile) Object.assign(PROFILES[profile.of], { [profile.field]: PROFILES[profile.like][profile.field] });

const cases = allCases().filter((testCase) => JSON.stringify(testCase).includes(only));
const isFirst = (testCase) => JSON.stringify(testCase.when).includes(`"${first}"`);
const target = simTarget();
for (const testCase of [...cases.filter(isFirst), ...cases.filter((each) => !isFirst(each))]) {
  parentPort.postMessage({ began: testCase.id });
  const how = failureOf(testCase);
  if (how !== undefined) {
    parentPort.postMessage({ killed: testCase.id, how });
    break;
  }
}
parentPort.postMessage({ done: true });

/** In a few words, or undefined when the case passes. */
function failureOf(testCase) {
  try {
    return runCase(testCase, target).outcome === 'fail' ? 'fails' : undefined;
  } catch (error) {
    return `throws ${error.message.split('\n')[0]}`; // a mutant may break anything
  }
}
