import caseSchema from '../case.schema.json' with { type: 'json' };
import platform from '../cases/tenant/platform.json' with { type: 'json' };
import fileSchema from '../cases.schema.json' with { type: 'json' };
import { type Case, type Evidence, FLAGS, type KernelCase, SEVERITIES } from './case.ts';
import { allCases, CASE_FILES } from './cases.ts';
import { kernelRequest } from './exec/kernel-request.ts';

/** What each kind of evidence is worth. */
export const EVIDENCE_KINDS: Readonly<Record<Evidence['kind'], string>> = {
  observed: 'this very case ran there',
  tool: 'a program that others wrote computes the same',
  specification: 'the clause says so',
  source: 'read from the named public source',
  behaviour: 'known of that version of the firmware; no hardware ran it for this suite',
};

/** The suite for people who do not run sevlab: texts by their path. `version` is that of sevlab. */
export function exportedFiles(version: string): ReadonlyMap<string, string> {
  const cases = allCases();
  const kernel = cases.filter((each): each is KernelCase => each.room === 'kernel');
  return new Map([
    ['README.md', readme(version, cases)],
    ['case.schema.json', jsonText(caseSchema)],
    ['cases.schema.json', jsonText(fileSchema)],
    ...Object.entries(CASE_FILES).map(([path, list]) => [`cases/${path}`, jsonText(list)] as const),
    ['cases/tenant/platform.json', jsonText(platform)],
    ['plain/kernel.jsonl', kernel.map(plainLine).join('')],
  ]);
}

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A case of the kernel with its bytes written out, for a harness that need not know the words of a case. */
const plainLine = (testCase: KernelCase): string => {
  const { do: _, case: id, ...given } = kernelRequest(testCase);
  return `${JSON.stringify({ id, ...given, expected: testCase.then })}\n`;
};

const table = (...rows: readonly (readonly (string | number)[])[]): string =>
  rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');

function readme(version: string, cases: readonly Case[]): string {
  const countOf = (holds: (testCase: Case) => boolean): number => cases.filter(holds).length;
  const files = Object.entries(CASE_FILES).map(([path, list]) => [`cases/${path}`, list.length]);
  const kinds = Object.entries(EVIDENCE_KINDS).map(([kind, meaning]) => [
    `\`${kind}\``,
    meaning,
    countOf(({ evidence }) => evidence.some((each) => each.kind === kind)),
  ]);
  const severities = Object.entries(SEVERITIES).map(([severity, meaning]) => [
    `\`${severity}\``,
    meaning,
    countOf((each) => each.severity === severity),
  ]);
  const flags = Object.entries(FLAGS).map(([flag, meaning]) => [
    `\`${flag}\``,
    meaning,
    countOf((each) => each.flags?.some((own) => own === flag) ?? false),
  ]);
  return `# Conformance cases of sevlab ${version}

${cases.length} facts about the launch and secret path of AMD SEV, as data: the AMD-SP behind its mailbox, QEMU behind its
monitor, the guest owner, images of OVMF and what their firmware leaves to a kernel, Linux and its driver efi_secret. Nothing
of sevlab is needed to use them. They are no certification, and not AMD's.

${table(['File', 'Cases'], ['---', '---'], ...files)}
\`case.schema.json\` is the JSON Schema of a case and explains every word; \`cases.schema.json\` is that of a file.
\`plain/kernel.jsonl\` has the cases of the kernel once more, a line each, with every byte written out: \`area\` lies at \`at\`,
zeros follow; the location structure says \`base\` and \`size\`; then the driver is bound or its module loaded (\`mode\`) and the
\`operations\` are performed. A case of the AMD-SP cannot be written out so: its packets depend on what the AMD-SP answers.
\`cases/tenant/platform.json\` has the certificates that the cases of \`chain.json\` change.

An id is never given to another case. What \`then\` does not name is not compared, and what \`given\` and \`when\` do not say is
right. A case with \`spec\` has a second answer, for an implementation of the published specification: that is our reading of it.

## How the cases were made, and how we know

Each was written for sevlab from a numbered fact; \`clause\` says where that stands, and \`evidence\` how the answer is known. No
text or code of AMD, Linux, edk2 or QEMU is in them but the messages that the kernel and QEMU print. Keys and secrets are made
up. A case may have several kinds of evidence.

${table(['Evidence', 'Meaning', 'Cases'], ['---', '---', '---'], ...kinds)}
## Severity

What comes of it when an implementation fails, in our judgement.

${table(['Severity', 'Meaning', 'Cases'], ['---', '---', '---'], ...severities)}
## Flags

What to keep in mind before calling an implementation wrong.

${table(['Flag', 'Meaning', 'Cases'], ['---', '---', '---'], ...flags)}
## Licence

Apache-2.0: LICENSE, NOTICE.
`;
}
