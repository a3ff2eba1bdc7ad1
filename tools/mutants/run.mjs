// Runs mutants, each in a worker of its own.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { bundleSuite } from './bundle.mjs';

/** Workers at a time, and seconds for each mutant. */
const WORKERS = Math.min(2, availableParallelism());
const LIMIT = 10;

/**
 * What became of each mutant, in their order: the case that `killed` it and `how`, or neither. `tell` gets each as soon
 * as it is known. `unchanged` is the suite without a change.
 */
export async function runMutants(mutants, unchanged, tell = () => {}) {
  const results = [];
  const queue = mutants.entries();
  const work = async () => {
    for (const [index, mutant] of queue) {
      results[index] = { ...mutant, ...(await runMutant(mutant, unchanged)) };
      tell(results[index]);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return results;
}

async function runMutant(mutant, unchanged) {
  const suite = mutant.file === undefined ? unchanged : await bundleSuite(mutant);
  const { row, profile } = mutant;
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { suite, row, profile, first: likelyCases(mutant) },
  });
  const begin = performance.now();
  let current;
  return new Promise((settle, reject) => {
    const end = async (outcome) => {
      clearTimeout(timer);
      await worker.terminate();
      settle({ ...outcome, seconds: (performance.now() - begin) / 1000 });
    };
    const timer = setTimeout(() => {
      const ofThisCase = (performance.now() - current.since) / 1000;
      if (ofThisCase > LIMIT / 2) end({ killed: current.id, how: 'does not end' });
      else reject(new Error(`${mutant.name}: the suite takes more than ${LIMIT} s here`));
    }, LIMIT * 1000);
    worker.on('error', (error) => end({ killed: current?.id ?? 'the start', how: `throws ${error.message}` }));
    worker.on('message', ({ began, killed, how, done }) => {
      if (began) current = { id: began, since: performance.now() };
      if (killed) end({ killed, how });
      if (done) end({});
    });
  });
}

/** Texts of the cases that are run first, because they are the ones that may notice. */
function likelyCases({ row, file = '' }) {
  if (row) return [`"${row.command}"`];
  const [, command] = /psp-sim\/src\/commands\/(.*)\.ts$/.exec(file) ?? [];
  if (command) return [`"${command.replaceAll('-', '_').toUpperCase()}"`];
  const [, actor] = /packages\/(psp|firmware|guest-kernel)-sim\//.exec(file) ?? [];
  return [`"room":"${actor === 'guest-kernel' ? 'kernel' : (actor ?? 'psp')}"`];
}
