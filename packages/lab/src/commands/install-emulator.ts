import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT_FOLDER } from '../root-folder.ts';
import { shellWord } from '../shell-word.ts';
import { systemReason } from '../system-reason.ts';
import { CommandError, EXIT } from './exit.ts';
import { print } from './output.ts';

/**
 * Writes a program that takes QEMU's arguments and nothing else, for those who want to be told of an emulator. `words`
 * are our own options, which it fixes. Throws CommandError.
 */
export function installEmulator(
  path: string,
  { words, force }: { readonly words: readonly string[]; readonly force: boolean },
): void {
  const program = resolve(path);
  if (existsSync(program) && !force)
    throw new CommandError(EXIT.unsafe, `${path}: expected no such file; try another place, or --force`);
  const line = [process.execPath, join(ROOT_FOLDER, 'sevlab'), 'vmm', ...words, '--']
    .map(shellWord)
    .join(' ');
  try {
    writeFileSync(program, `#!/bin/sh\n# Takes the arguments of qemu-system-x86_64.\nexec ${line} "$@"\n`);
    chmodSync(program, 0o755);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${path}: ${systemReason(error)}; expected a place that can be written`,
    );
  }
  print(`In the XML of a libvirt domain, in <devices>:
  <emulator>${escaped(program)}</emulator>
and in <domain>, with the files of sevlab owner session:
  <launchSecurity type='sev'>
    <cbitpos>51</cbitpos>
    <reducedPhysBits>6</reducedPhysBits>
    <policy>0x0001</policy>
    <dhCert>…</dhCert>
    <session>…</session>
  </launchSecurity>`);
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
