// Breaks the simulator in named ways, one at a time, and says whether the conformance suite notices:
// `node tools/mutants.mjs [--only PATTERN] [--sample COUNT [--seed SEED]] [--json]`. Exits 1 when a mutant survives
// without a reason in mutants/exceptions.mjs; of all mutants also when a reason is left over.
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { bundleSuite, expectApplicable } from './mutants/bundle.mjs';
import { CHANGES } from './mutants/changes.mjs';
import { concerns, EXCEPTIONS, reasonFor } from './mutants/exceptions.mjs';
import { profileMutants, rowMutants } from './mutants/rows.mjs';
import { runMutants, runUnchanged } from './mutants/run.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

const unchanged = await bundleSuite();
const mutants = await allMutants();
const pattern = new RegExp(options.only, 'i');
const chosen = sample(mutants.filter(({ name, file = '' }) => pattern.test(`${file} ${name}`)));

if (chosen.length === 0) throw new Error(`no mutant is called like '${options.only}'`);

const right = await runUnchanged(unchanged);
if (right.killed) throw new Error(`${right.killed} ${right.how} on the simulator as it is; mend that first`);

const seconds = Math.max(10, 4 * right.seconds); // more than 10 on a machine that is slow or busy
const results = await runMutants(chosen, { unchanged, seconds, tell: options.json ? () => {} : tell });
const survivors = results.filter(({ killed }) => !killed);
const complaints = [
  ...survivors
    .filter(({ name }) => reasonFor(name) === undefined)
    .map(({ name }) => `no case notices: ${name}`),
  ...(chosen.length === mutants.length ? leftOver(survivors) : []),
];
if (options.json) console.log(JSON.stringify(results.map(asJson), null, 2));
else {
  const killed = results.length - survivors.length;
  console.log(`${results.length} mutants, ${killed} killed, ${survivors.length} survived`);
  for (const complaint of complaints) console.log(complaint);
}
process.exit(complaints.length > 0 ? 1 : 0);

/** Every mutant there is. Throws for a change that cannot be made, and for a name that is given twice. */
async function allMutants() {
  const { SUPPORT, PROFILES } = await import(
    `data:text/javascript;base64,${Buffer.from(unchanged).toString('base64')}`
  );
  CHANGES.forEach(expectApplicable);
  const all = [...rowMutants(SUPPORT), ...profileMutants(PROFILES), ...CHANGES];
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`two mutants are called '${twice}'`);
  return all;
}

/** As many as asked for, the same ones for the same seed. */
function sample(list) {
  if (options.sample === undefined) return list;
  const rank = ({ name }) => createHash('sha256').update(`${options.seed} ${name}`).digest('hex');
  return list.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, Number(options.sample));
}

/** Exceptions that no survivor needs. */
function leftOver(survived) {
  return EXCEPTIONS.filter((exception) => !survived.some(({ name }) => concerns(exception, name))).map(
    ([which]) => `an exception for nobody: ${which}`,
  );
}

function tell({ name, killed, how, late, file, from, to }) {
  if (killed) {
    console.log(`${killed} ${how}: ${name}`);
    return;
  }
  console.log(`${late ? 'TOO LATE' : 'SURVIVED'}: ${name}`);
  if (file) console.log(`  ${file}\n  - ${from}\n  + ${to}`);
  const reason = reasonFor(name);
  if (reason) console.log(`  reason: ${reason}`);
}

function asJson({ name, file, from, to, killed, how, late, seconds }) {
  return {
    name,
    file,
    from,
    to,
    killed,
    how,
    late,
    reason: reasonFor(name),
    seconds: Number(seconds.toFixed(2)),
  };
}
