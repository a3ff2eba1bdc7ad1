// Runs dist/sevlab.cjs. What V8 compiled is kept in a file beside it, and compiled no more at the next start: that halves
// the time of a cold start (docs/speed.md).
const { readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { constants, Script } = require('node:vm');

/** What was compiled of this bundle; undefined when it was never run, or was made anew since. V8 knows its own version. */
function compiledBefore(bundle, cache) {
  try {
    return statSync(cache).mtimeMs >= statSync(bundle).mtimeMs ? readFileSync(cache) : undefined;
  } catch {
    return undefined; // nothing there, or nothing that this user may read
  }
}

/** Several processes may do so at once, and some may not write there: it is for speed alone. */
function keep(cache, compiled) {
  const temporary = `${cache}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, compiled);
    renameSync(temporary, cache);
  } catch {}
}

/** The bundle is ASCII, which Node reads three times as fast as UTF-8. */
function runBundle(bundle) {
  const cache = `${bundle}.compiled`;
  const cachedData = compiledBefore(bundle, cache);
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) { ${readFileSync(bundle, 'latin1')}\n})`,
    {
      filename: bundle,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      ...(cachedData && { cachedData }),
    },
  );
  const made = { exports: {} };
  script.runInThisContext()(made.exports, createRequire(bundle), made, bundle, dirname(bundle));
  if (cachedData === undefined || script.cachedDataRejected)
    process.on('exit', () => keep(cache, script.createCachedData()));
}

module.exports = runBundle;
if (require.main === module) runBundle(join(__dirname, '../dist/sevlab.cjs'));
