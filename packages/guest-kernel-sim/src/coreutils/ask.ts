import { complain, type Process, type Run, receive } from './program.ts';

/** Asks on standard error, and takes a line from standard input. True for an answer that starts with y. */
export function* ask(process: Process, question: string): Run<boolean> {
  complain(process, `${process.name}: ${question}`);
  let answer = '';
  for (;;) {
    const byte = yield* receive(process.stdin, 1);
    const character = String.fromCharCode(...byte);
    if (character === '' || character === '\n') return /^y/i.test(answer);
    answer += character;
  }
}
