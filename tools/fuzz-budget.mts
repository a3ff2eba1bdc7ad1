// Loaded before every test file: FUZZ_RUNS sets how many inputs each property draws.
import fc from 'fast-check';

const runs = process.env.FUZZ_RUNS;
if (runs !== undefined) fc.configureGlobal({ numRuns: Number(runs) });
