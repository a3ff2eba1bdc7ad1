// Prints `N passed, N failed, N skipped` from vitest's JSON report; exits 1 unless tests ran and none failed.
import { readFileSync } from 'node:fs';

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
);
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
process.exit(success && numPassedTests > 0 ? 0 : 1);
