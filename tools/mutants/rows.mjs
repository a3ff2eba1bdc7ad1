// Mutants that nobody has to write: the checks of the AMD-SP one by one, and the fields of its profiles.

/** Rows that answer the same can be told apart only where one of them writes the length that would do. */
const WRITES = / suffices?$|^SESSION_LEN is 0x80$/;

/** Every check of every command left out, and every one behind its neighbour where somebody could notice. */
export const rowMutants = (SUPPORT) =>
  Object.entries(SUPPORT).flatMap(([name, { command }]) =>
    (command?.rows ?? []).flatMap(([condition], index, rows) => {
      const next = rows[index + 1];
      return [
        { name: `${name}: nobody checks that ${condition}`, row: { command: name, index } },
        ...(next && canBeTold(rows[index], next)
          ? [{ name: `${name}: ${next[0]}, before ${condition}`, row: { command: name, index, swap: true } }]
          : []),
      ];
    }),
  );

const canBeTold = ([a, , status, byProfile], [b, , other, otherByProfile]) =>
  status !== other ||
  (byProfile === undefined) !== (otherByProfile === undefined) ||
  WRITES.test(a) ||
  WRITES.test(b);

/** Each difference between firmware 1.55 and the specification, undone on either side. */
export const profileMutants = (PROFILES) => {
  const [genoa, spec] = ['genoa-1.55', 'spec'];
  const differing = Object.keys(PROFILES[genoa]).filter(
    (field) => PROFILES[genoa][field] !== PROFILES[spec][field],
  );
  return differing.flatMap((field) => [
    { name: `profile ${genoa}: ${field} as in ${spec}`, profile: { of: genoa, field, like: spec } },
    { name: `profile ${spec}: ${field} as in ${genoa}`, profile: { of: spec, field, like: genoa } },
  ]);
};
