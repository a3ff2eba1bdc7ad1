import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { runChunk } from './chunk.ts';
import type { Door, OpenDoor, Trial } from './door.ts';
import { judge } from './failure.ts';
import { liveMemory } from './live-memory.ts';
import { plainJson } from './plain-json.ts';
import type { Answer, Task, ThreadData } from './task.ts';

/** Whether this is a thread that CaseThread started. */
export const isThread = (): boolean => !isMainThread;

/** Serves tasks in a thread, one after another, until somebody ends it. */
export function serveTasks(doors: readonly Door[]): void {
  const { seed, progress } = workerData as ThreadData; // CaseThread wrote it
  let open: { readonly name: string; readonly door: OpenDoor } | undefined;

  /** One door is kept open, the last. */
  function doorOf(name: string): OpenDoor {
    if (open?.name === name) return open.door;
    const door = doors.find((each) => each.name === name);
    if (door === undefined) throw new Error(`expected a door, got ${name}`);
    open = { name, door: door.open() };
    return open.door;
  }

  function answer(task: Task): Answer {
    const door = doorOf(task.kind === 'chunk' ? task.chunk.door : task.door);
    if (task.kind === 'chunk') {
      let slowest = 0;
      const start = performance.now();
      let begun = start;
      const result = runChunk(door, seed, task.chunk, task.fatal, (index) => {
        const now = performance.now();
        slowest = Math.max(slowest, now - begun);
        begun = now;
        Atomics.store(progress, 0, index);
        Atomics.add(progress, 1, 1);
      });
      const end = performance.now();
      slowest = Math.max(slowest, end - begun);
      return {
        ...{ kind: 'chunk', result, slowest, milliseconds: end - start },
        ...(task.weigh && { live: liveMemory() }),
      };
    }
    const trial = follow(door.trial(seed, task.index), task.path);
    if (trial === undefined) return { kind: 'case' };
    if (task.kind === 'case') {
      Atomics.store(progress, 0, task.index);
      Atomics.add(progress, 1, 1);
      return { kind: 'case', ...judge(trial) };
    }
    const scenario = trial.scenario && plainJson(trial.scenario());
    return { kind: 'show', input: plainJson(trial.input), ...(scenario !== undefined && { scenario }) };
  }

  parentPort?.on('message', (task: Task) => {
    const reply = answer(task);
    parentPort?.postMessage(reply);
  });
  parentPort?.postMessage('ready');
}

/** The case at the end of a path; undefined when there is none. */
function follow(trial: Trial, path: readonly number[]): Trial | undefined {
  let at: Trial | undefined = trial;
  for (const wanted of path) {
    if (at === undefined) return undefined;
    let seen = 0;
    let found: Trial | undefined;
    for (const smaller of at.smaller()) {
      if (seen++ === wanted) {
        found = smaller;
        break;
      }
    }
    at = found;
  }
  return at;
}
