// Loaded in front of a program: kills it, as a power failure would, behind its STEP-th call that changes a file.
// With HALF, that call is a write, and leaves one half. The names of all calls go into the file LOG.
const fs = require('node:fs');

const { STEP, HALF, LOG } = process.env;
const CALLS = 'mkdirSync openSync writeFileSync fsyncSync linkSync renameSync rmSync'.split(' ');
const log = [];
let inside = false; // node:fs calls itself

for (const name of CALLS) {
  const call = fs[name];
  fs[name] = (...parameters) => {
    const looksOnly = name === 'openSync' && !String(parameters[1]).includes('w');
    if (inside || looksOnly) return call(...parameters);
    inside = true;
    try {
      const isLast = log.push(name) === Number(STEP);
      if (isLast && HALF) parameters[1] = parameters[1].subarray(0, parameters[1].length / 2);
      const result = call(...parameters);
      if (isLast) process.kill(process.pid, 'SIGKILL');
      return result;
    } finally {
      inside = false;
    }
  };
}

process.on('exit', () => {
  inside = true;
  if (LOG) fs.writeFileSync(LOG, log.join('\n'));
});
