import { readFileSync, statSync } from 'node:fs';
import { isCollection, parseDocument } from 'yaml';
import { replaceDurably } from '../durable-file.ts';
import type { StepResult } from './run.ts';

/**
 * Writes into a scenario's file that what a step gave is what it expects; the rest of the file stays. `steps` is how many
 * steps the scenario has, those of included files with them, and `at` which of them it is. Answers in words why nothing
 * was written. Throws the errors of node:fs.
 */
export function updateExpectation(
  file: string,
  { at, steps }: { readonly at: number; readonly steps: number },
  { instead }: StepResult,
): string | undefined {
  if (instead === undefined)
    return 'expected a step or a shell command; what a check looks for is for people to change';
  const document = parseDocument(readFileSync(file, 'utf8'));
  const own: unknown = document.get('steps');
  const index = at - (steps - (isCollection(own) ? own.items.length : 0));
  if (index < 0) return 'it stands in an included file; expected that file';
  if (Object.keys(instead).length === 0) document.deleteIn(['steps', index, 'expect']);
  else document.setIn(['steps', index, 'expect'], document.createNode(instead));
  const content = document.toString({ lineWidth: 0, flowCollectionPadding: true });
  replaceDurably({ path: file, content, mode: statSync(file).mode & 0o777 });
  return undefined;
}
