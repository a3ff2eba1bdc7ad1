// Prints `N passed, N failed, N skipped` from vitest's JSON report; exits 1 unless tests ran and none failed.
import { existsSync, readFileSync } from 'node:fs';

const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, success: false };
const report = existsSync(process.argv[2]) ? JSON.parse(readFileSync(process.argv[2], 'utf8')) : none;
if (report === none) console.error('the tests left no report: they did not run to their end');
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = report;
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
process.exit(success && numPassedTests > 0 ? 0 : 1);
