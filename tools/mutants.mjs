// Breaks the simulator in named ways, one at a time, and says whether the conformance suite notices:
// `node tools/mutants.mjs [--only PATTERN] [--sample COUNT [--seed SEED]] [--json]`. Exits 1 when a mutant survives
// that has no reason to in mutants/equivalent.mjs, and when one that has a reason does not survive.
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { bundleSuite, expectApplicable } from './mutants/bundle.mjs';
import { CHANGES } from './mutants/changes.mjs';
import { EQUIVALENT } from './mutants/equivalent.mjs';
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
const matching = mutants.filter(({ name, file = '' }) => pattern.test(`${file} ${name}`));

const right = await runUnchanged(unchanged);
if (right.killed) throw new Error(`${right.killed} ${right.how} on the simulator as it is; mend that first`);

const seconds = Math.max(10, 4 * right.seconds); // more than 10 on a machine that is slow or busy
const results = await runMutants(sample(matching), {
  unchanged,
  seconds,
  tell: options.json ? () => {} : tell,
});
const survivors = results.filter(({ killed }) => !killed);
const wrong = [
  ...survivors.filter(({ name }) => EQUIVALENT[name] === undefined),
  ...results.filter(({ name, killed }) => killed && EQUIVALENT[name] !== undefined),
];
if (options.json) console.log(JSON.stringify(results.map(asJson), null, 2));
else summarise();
process.exit(wrong.length > 0 ? 1 : 0);

/** Every mutant there is. Throws for a change that cannot be made, a name given twice, and a reason for nobody. */
async function allMutants() {
  const { SUPPORT, PROFILES } = await import(
    `data:text/javascript;base64,${Buffer.from(unchanged).toString('base64')}`
  );
  CHANGES.forEach(expectApplicable);
  const all = [...rowMutants(SUPPORT), ...profileMutants(PROFILES), ...CHANGES];
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`two mutants are called '${twice}'`);
  const unknown = Object.keys(EQUIVALENT).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new Error(`equivalent.mjs has a reason for '${unknown}', which is no mutant`);
  return all;
}

/** As many as asked for, the same ones for the same seed. */
function sample(list) {
  if (options.sample === undefined) return list;
  const rank = ({ name }) => createHash('sha256').update(`${options.seed} ${name}`).digest('hex');
  return list.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)).slice(0, Number(options.sample));
}

function tell({ name, killed, how, late, file, from, to }) {
  if (killed) {
    const stale =
      EQUIVALENT[name] === undefined ? '' : ', though equivalent.mjs has a reason why none should';
    console.log(`${killed} ${how}: ${name}${stale}`);
    return;
  }
  console.log(`${late ? 'TOO LATE' : 'SURVIVED'}: ${name}`);
  if (file) console.log(`  ${file}\n  - ${from}\n  + ${to}`);
  if (EQUIVALENT[name]) console.log(`  reason: ${EQUIVALENT[name]}`);
}

function summarise() {
  const killed = results.length - survivors.length;
  console.log(`${results.length} mutants, ${killed} killed, ${survivors.length} survived`);
  for (const { name, killed } of wrong)
    console.log(`${killed ? 'not equivalent' : 'no case notices'}: ${name}`);
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
    reason: EQUIVALENT[name],
    seconds: Number(seconds.toFixed(2)),
  };
}
