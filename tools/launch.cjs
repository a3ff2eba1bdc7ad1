// Loads dist/sevlab.cjs. Only when it is older than what it was made from does it install and bundle first; an installed
// package has nothing to make it from.
const { existsSync, readFileSync, statSync } = require('node:fs');
const { join } = require('node:path');
const runBundle = require('./run-bundle.cjs');

const root = join(__dirname, '..');
const bundle = join(root, 'dist/sevlab.cjs');

const isPackage = !existsSync(join(__dirname, 'setup.mjs'));

/** Whether the bundle is there, and no file that went into it changed since. */
function isFresh() {
  try {
    const made = statSync(bundle).mtimeMs;
    const inputs = JSON.parse(readFileSync(`${bundle}.inputs.json`, 'utf8'));
    return inputs.every((file) => statSync(`${root}/${file}`).mtimeMs <= made); // join() takes as long as statSync()
  } catch {
    return false; // something is missing: make it anew
  }
}

if (isPackage || isFresh()) {
  runBundle(bundle);
} else {
  import('./setup.mjs')
    .then(async ({ install, bundleCli }) => {
      install();
      await bundleCli();
      runBundle(bundle);
    })
    .catch((error) => {
      process.stderr.write(`sevlab: it could not be prepared: ${error.message.split('\n')[0]}\n`);
      process.exit(6);
    });
}
