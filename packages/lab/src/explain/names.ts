import { toHex } from '@sevlab/codec/bytes';
import { GUID_NAMES, guidToBytes, parseGuid } from '@sevlab/codec/guid';
import { COMMAND_ID, type CommandName } from '@sevlab/codec/sev/command';
import type { STRUCTURES } from '@sevlab/codec/structures';
import { SUPPORT } from '@sevlab/psp-sim/support';
import type { Explanation } from './explanation.ts';
import { checksOf } from './statuses.ts';

const GUIDS = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

/** GUIDs that mean something, and any that stands alone. */
export function guidsIn(text: string): readonly Explanation[] {
  return (text.match(GUIDS) ?? []).flatMap((digits) => {
    const guid = parseGuid(digits);
    const name = GUID_NAMES.get(guid);
    const bytes = toHex(guidToBytes(guid));
    const isAlone = text.trim() === digits;
    if (name === undefined && !isAlone) return [];
    return [
      {
        kind: 'guid' as const,
        what: guid,
        by: name === undefined ? 'nobody here' : 'EFI and its users',
        means:
          name ??
          'not one of those with a meaning of their own; as the name of a secret it is opaque to the kernel',
        look: `in memory its bytes are ${bytes}: the first three groups are little endian`,
      },
    ];
  });
}

/** A command of the AMD-SP, with its checks. */
export function explainCommand(name: CommandName): Explanation {
  const support = SUPPORT[name];
  const means =
    support.command === undefined
      ? `not emulated: it answers ${support.status}`
      : (support.partial ?? 'emulated');
  return {
    kind: 'command',
    what: `${name}, 0x${COMMAND_ID[name].toString(16).padStart(3, '0')}`,
    by: 'a command of the AMD-SP',
    means,
    checks: checksOf(name),
    source: `55766, ${name}`,
  };
}

/** A structure, by its name in STRUCTURES. */
export const explainStructure = (
  name: string,
  { name: title, size, spec }: (typeof STRUCTURES)[string],
): Explanation => ({
  kind: 'structure',
  what: `${title}, ${size} bytes`,
  by: 'a structure',
  means: `its fields are in docs/reference/structures.md#${name}`,
  look: `\`sevlab annotate ${name} FILE\` shows a file as one`,
  source: spec,
});
