// Runs mutants, each in a worker of its own.
import { Worker } from 'node:worker_threads';
import { bundleSuite } from './bundle.mjs';

const WORKERS = 2;
/** Megabytes that a mutant may fill. */
const HEAP = 512;

/** What becomes of the suite on the simulator as it is. */
export const runUnchanged = (unchanged) => runMutant({}, unchanged, 600);

/**
 * What became of each mutant, in their order: the case that `killed` it and `how`; or `late`, when the suite did not
 * come to its end in so many seconds; or neither. `tell` gets each as soon as it is known.
 */
export async function runMutants(mutants, { unchanged, seconds, tell }) {
  const results = [];
  const queue = mutants.entries();
  const work = async () => {
    for (const [index, mutant] of queue) {
      const suite = mutant.file === undefined ? unchanged : await bundleSuite(mutant);
      results[index] = { ...mutant, ...(await runMutant(mutant, suite, seconds)) };
      tell(results[index]);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return results;
}

/** The first case that fails or throws ends it, and one that takes half of the time on its own. */
async function runMutant({ row, profile, file }, suite, seconds) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { suite, row, profile, ...likelyCases({ row, file }) },
    resourceLimits: { maxOldGenerationSizeMb: HEAP },
  });
  const since = (begin) => (performance.now() - begin) / 1000;
  const begin = performance.now();
  let current = { id: 'the start', begin };
  let timer;
  const outcome = await new Promise((end) => {
    timer = setTimeout(
      () =>
        end(
          since(current.begin) > seconds / 2 ? { killed: current.id, how: 'does not end' } : { late: true },
        ),
      seconds * 1000,
    );
    worker.on('error', ({ message }) => end({ killed: current.id, how: `throws ${message.split('\n')[0]}` }));
    worker.on('message', ({ began, done, ...killed }) => {
      if (began) current = { id: began, begin: performance.now() };
      else end(killed);
    });
  });
  clearTimeout(timer);
  await worker.terminate();
  return { ...outcome, seconds: since(begin) };
}

/** Of the cases only those with a text like `only` can notice, and among them those with `first` will most likely. */
function likelyCases({ row, file = '' }) {
  if (row) return { only: `"${row.command}"`, first: '' };
  const [, actor] = /packages\/(psp|firmware|guest-kernel)-sim\//.exec(file) ?? [];
  const [, command = ''] = /commands\/(.*)\.ts$/.exec(file) ?? [];
  const room = actor === 'guest-kernel' ? 'kernel' : actor;
  return { only: room ? `"room":"${room}"` : '', first: command.replaceAll('-', '_').toUpperCase() };
}
