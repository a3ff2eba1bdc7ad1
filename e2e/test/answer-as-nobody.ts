import { answerAll } from './view-operations.ts';

/** Usual number of the account `nobody`. */
const NOBODY = 65534;

// Root gives up its rights for good. All code is loaded by then, so that no file has to be readable for nobody.
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), answers: answerAll() }));
