// Writes what the documents say of the code, from the code: docs/reference, and the parts of README.md and
// ARCHITECTURE.md between `<!-- generated: NAME -->` and `<!-- end -->`. --check writes nothing, names what is
// stale and exits 1.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { parse: parseYaml } = createRequire(join(root, 'packages/lab/package.json'))('yaml');
const read = (path) => readFileSync(join(root, path), 'utf8');

/** The declarations that the pages are made of; packages/lab may import all of them. */
async function loadDeclarations() {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { STRUCTURES } from '@sevlab/codec/structures';
        export { structTable } from '@sevlab/codec/markdown';
        export { SEV_STATUS } from '@sevlab/codec/sev/status';
        export { COMMAND_ID } from '@sevlab/codec/sev/command';
        export { SUPPORT } from '@sevlab/psp-sim/support';
        export { DIFFERENCES } from '@sevlab/psp-sim/differences';
        export { PROFILES } from '@sevlab/psp-sim/profile';
        export { allCases } from '@sevlab/conformance/cases';
        export { FAULTS, listChecks } from '@sevlab/conformance/listing';
        export { clauseOf } from '@sevlab/conformance/clause';
        export { coverageOf } from '@sevlab/conformance/coverage';
        export { simTarget } from '@sevlab/conformance/targets/sim';`,
      resolveDir: join(root, 'packages/lab'),
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const declarations = await loadDeclarations();
const { STRUCTURES, structTable, SEV_STATUS, COMMAND_ID, SUPPORT, DIFFERENCES, PROFILES } = declarations;

const HEADER = '<!-- Written by tools/docs.mjs: do not edit, run `npm run docs`. -->\n\n';
const hex = (value, digits) => `0x${value.toString(16).padStart(digits, '0')}`;
const table = (...rows) => rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
const commands = Object.entries(SUPPORT).map(([name, support]) => ({
  name,
  id: COMMAND_ID[name],
  ...support,
}));

/** The name that STRUCTURES has for a buffer. */
const structureName = (buffer) => Object.keys(STRUCTURES).find((name) => STRUCTURES[name] === buffer);

function structuresPage() {
  const sections = Object.entries(STRUCTURES).map(([name, structure]) => {
    const { size, paddedSize, spec } = structure;
    const padded = paddedSize === size ? '' : `; ${paddedSize} in C, with its padding`;
    return `## ${name}\n\n${capital(structure.name)}, ${size} bytes${padded}. Source: ${spec}.\n\n${structTable(structure)}`;
  });
  return `${HEADER}# Structures

Integers are little endian. Reserved bytes are written as zero and not looked at, unless a field says otherwise.
\`sevlab annotate NAME FILE\` shows a file as one of these.

${sections.join('\n')}`;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** How a command buffer travels, by its transfer class (packages/psp-sim/src/command.ts). */
const TRANSFERS = {
  none: 'never touched',
  in: 'read',
  out: 'written on SUCCESS',
  inout: 'read, and written on SUCCESS',
  'inout-length': 'read, and written on SUCCESS and on INVALID_LENGTH, then with the length that would do',
};

const supportOf = ({ command, partial, status }) =>
  command === undefined ? `no: answers ${status}` : partial === undefined ? 'yes' : `in part: ${partial}`;

function commandsPage() {
  const sections = commands.map((row) => {
    const head = `## ${row.name}\n\nId ${hex(row.id, 3)}. Emulated: ${supportOf(row)}.`;
    if (row.command === undefined) return `${head}\n`;
    const { buffer, transfer, checks } = row.command;
    const name = structureName(buffer);
    const bufferLine =
      name === undefined
        ? 'No command buffer.'
        : `Command buffer: [${name}](structures.md#${name}), ${TRANSFERS[transfer]}.`;
    const checkTable =
      checks.length === 0
        ? 'No checks.\n'
        : table(
            ['#', 'What must hold', 'Status if not'],
            ['---', '---', '---'],
            ...checks.map(({ condition, status }, i) => [i + 1, condition, status]),
          );
    return `${head} ${bufferLine}\n\n${checkTable}`;
  });
  return `${HEADER}# AMD-SP commands

The checks of each command, in their order: the first that does not hold decides. The emulated AMD-SP runs these very
rows. The order is that of SEV firmware 1.55 for Genoa; no document fixes it. Before its checks a command answers
INVALID_ADDRESS or INVALID_CONFIG when its buffer lies where the AMD-SP does not reach. After them PDH_CERT_EXPORT,
LAUNCH_UPDATE_DATA and LAUNCH_MEASURE may still do so, at an address that they come to on the way. A number that is not
here answers INVALID_COMMAND.

${sections.join('\n')}`;
}

function statusesPage() {
  const rows = Object.entries(SEV_STATUS).map(([name, { code, sentence }]) => {
    const by = commands.filter(({ command }) => command?.checks.some(({ status }) => status === name));
    return [
      hex(code, 2),
      name,
      sentence,
      by.map((row) => `[${row.name}](commands.md#${slug(row.name)})`).join(' '),
    ];
  });
  return `${HEADER}# Status codes

What the AMD-SP reports. The last column names the emulated commands that have a check with that status.

${table(['Code', 'Status', 'Meaning', 'Checked by'], ['---', '---', '---', '---'], ...rows)}`;
}

/** The anchor that GitHub gives to a heading of one word. */
const slug = (heading) => heading.toLowerCase();

const MARKERS = {
  DEVIATION: 'sevlab does something else than the original, and why.',
  'NOT MODELLED': 'The original has it, and here it has no effect.',
  VERSION: 'Versions differ, or a version and its document; which one is followed.',
};

/** Every marked remark: from its marker to the next one, or to the end of the comment or text that it stands in. */
function* remarksOf(source) {
  const anyMarker = `(?:${Object.keys(MARKERS).join('|')}): `;
  for (const [text] of source.matchAll(
    /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+|\/\/.*|'(?:[^'\\\n]|\\.)*'/gm,
  )) {
    const flat = text
      .replace(/^\/\*+|\*\/$|^'|'$/g, '')
      .replace(/\n?[ \t]*(\*|\/\/)[ \t]?/g, ' ')
      .replace(/\s+/g, ' ');
    for (const [, marker, remark] of flat.matchAll(
      new RegExp(`(?<!\\w)(${Object.keys(MARKERS).join('|')}): (.*?)(?=${anyMarker}|$)`, 'g'),
    )) {
      yield { marker, remark: remark.trim() };
    }
  }
}

function deviationsPage() {
  const files = readdirSync(join(root, 'packages'))
    .map((name) => `packages/${name}/src`)
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map(
        (file) => `${folder}/${file.replaceAll('\\', '/')}`,
      ),
    )
    .filter((file) => file.endsWith('.ts') && !/\.(test|fuzz|test-d)\.ts$/.test(file))
    .sort();
  const remarks = files.flatMap((file) => [...remarksOf(read(file))].map((remark) => ({ file, ...remark })));
  const sections = Object.entries(MARKERS).map(([marker, meaning]) => {
    const lines = remarks
      .filter((remark) => remark.marker === marker)
      .map(({ file, remark }) => `- [${file}](../../${file}): ${remark}\n`);
    return `## ${marker}\n\n${meaning}\n\n${lines.join('')}`;
  });
  const leftOut = checks.filter(({ why }) => why !== undefined);
  return `${HEADER}# Deviations

Remarks of the code on where it departs from what it emulates.

${sections.join('\n')}
## Checks without a case or a test

Of the [numbered checks](checks.md).

${leftOut.map(({ id, subject, why }) => `- ${id}, ${subject}: ${why}\n`).join('')}`;
}

const { allCases, FAULTS, listChecks, simTarget } = declarations;
const checks = listChecks(allCases(), simTarget());

const OUTCOMES = { pass: 'passes', fail: 'FAILS', test: 'held by a test', 'left out': 'left out' };

function checksPage() {
  const how = ({ cases, test, why, underSpec }) => {
    if (test !== undefined) return testLink(test);
    if (cases.length === 0) return why;
    return underSpec ? `${cases.join(' ')}; also under \`spec\`` : cases.join(' ');
  };
  const section = (whose, what) => {
    const own = checks.filter(({ of }) => of === whose);
    const count = (wanted) => own.filter(({ outcome }) => outcome === wanted).length;
    return `## ${whose}

${own.length} numbered checks of ${what}. Of these ${count('pass')} pass as cases
of the conformance suite, ${count('fail')} fail, ${count('test')} are held by a test instead, and ${count('left out')} are left out, each for the
reason in the last column.

${table(
  ['Check', 'Subject', 'Outcome', 'How'],
  ['---', '---', '---', '---'],
  ...own.map((check) => [check.id, check.subject, OUTCOMES[check.outcome], how(check)]),
)}`;
  };
  return `${HEADER}# Checks

\`sevlab conform ID\` runs a case. Where a [difference](differences.md) touches the answer, the case is also run under
the profile \`spec\`, which is our reading of the published specification.

${section('AMD-SP', 'what SEV firmware 1.55 for Genoa does')}
${section('QEMU', 'what QEMU 7.2 tells a client of its monitor, what it asks the kernel for a guest, and what it makes of the answers')}
${section('guest owner', 'what a guest owner believes of a platform, of a session and of a launch, and what it seals')}
${section('OVMF', 'what a host reads of an image of OVMF, of what its AmdSev build leaves to the kernel, and of what that makes of it')}
${section('Linux', 'what a kernel and its driver efi_secret make of tables and areas, and what programs find there')}
${faultsSection()}`;
}

const testLink = ({ name, file, row }) => `[${name}${row ? `: ${row.name}` : ''}](../../${file})`;

function faultsSection() {
  const shownBy = ({ checks: numbers = [], test, scenario, why }) =>
    why ??
    [
      ...numbers,
      ...(test ? [testLink(test)] : []),
      ...(scenario ? [`[${basename(scenario)}](../../${scenario})`] : []),
    ].join(', ');
  return `## Faults

What may go wrong between image and kernel, who notices, and what comes of it.

${table(
  ['Fault', 'Noticed by', 'Outcome', 'Shown by'],
  ['---', '---', '---', '---'],
  ...FAULTS.map((fault) => [fault.fault, fault.noticedBy, fault.outcome, shownBy(fault)]),
)}`;
}

/** The shipped scenarios of a folder, with the paths at which the pages below docs find them. */
const shipped = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({
      name,
      link: `../${folder}/${name}`,
      ...parseYaml(read(`${folder}/${name}`)),
    }));

function attacksPage() {
  const list = JSON.parse(read('packages/lab/scenarios/attacks/list.json'));
  const scenarios = shipped('packages/lab/scenarios/attacks');
  const rows = list.flatMap(({ id, name, why, caughtBy, remedy }) => {
    const own = scenarios.filter(({ lesson }) => lesson.attack === id);
    if (own.length === 0) return [[id, name, `not shown: ${why}`, caughtBy, remedy]];
    return own.map(({ link, title, lesson }) => [
      id,
      name,
      `[${title}](${link})`,
      lesson.caughtBy,
      lesson.remedy,
    ]);
  });
  const faults = shipped('packages/lab/scenarios/faults');
  return `${HEADER}# Attacks

What a hostile host may try against plain SEV, and what comes of it. Each is a scenario: \`sevlab run FILE\` runs it, its
\`about\` tells the mechanism, its \`why\` the steps, and its \`lesson\` the source. Where an attack has two scenarios, one of
them is what keeps it from working. The checks on the way from image to kernel are in [reference/checks.md](reference/checks.md).

${table(['Id', 'Attack', 'Scenario', 'Caught by', 'What would have caught it'], ['---', '---', '---', '---', '---'], ...rows)}
## Mishaps

What goes wrong without anybody's intent, between image, firmware and kernel. The [list of all](reference/checks.md#faults)
names the test of each.

${table(
  ['Scenario', 'Caught by', 'What would have caught it'],
  ['---', '---', '---'],
  ...faults.map(({ link, title, lesson }) => [`[${title}](${link})`, lesson.caughtBy, lesson.remedy]),
)}`;
}

/** What no case does. */
function coveragePage() {
  const { clauses, statuses, answers, errno, transitions, messages } = declarations.coverageOf(allCases());
  const list = (gaps) => gaps.map(({ what, why }) => `- ${what}. ${why}\n`).join('');
  const leftOut = checks.filter(({ outcome }) => outcome === 'left out');
  const byTest = checks.filter(({ outcome }) => outcome === 'test').length;
  return `${HEADER}# Coverage

What the ${allCases().length} cases of the conformance suite leave out, and why. What the AMD-SP answers is seen on the simulator, while
it runs every case; what the kernel answers is what the cases expect.

## Cases by document

${documentsTable()}
## Clauses without a case

Commands of 55766.

${list(clauses)}
[Numbered checks](checks.md) without a case: ${byTest} are held by a named test, and ${leftOut.length} by nothing.

${leftOut.map(({ id, subject, why }) => `- ${id}, ${subject}. ${why}\n`).join('')}
## Status codes that no case provokes

${list(statuses)}
## Checks of a command that speak in no case

The statuses that a command has a [check](commands.md) for, and answers in no case.

${list(answers)}
## Errno that no case provokes

Of those that the emulated kernel knows.

${list(errno)}
## Messages of QEMU about SEV that no case expects

By what is wrong.

${list(messages)}
## State transitions that no case takes

State, command, next state (55766, Platform State Machine, Guest State Machine). SHUTDOWN takes every guest along, whatever its
state.

${list(transitions)}`;
}

/** How many cases each document has, source files by their tree. */
function documentsTable() {
  const trees = [
    ['Linux', /^(arch|drivers|fs|kernel|lib|security)\//],
    ['edk2', /^(OvmfPkg|MdeModulePkg)\//],
    ['QEMU', /^(hw|monitor|qapi|qobject|softmmu|target)\//],
  ];
  const counts = new Map();
  for (const { clause } of allCases()) {
    const { document } = declarations.clauseOf(clause);
    const name = trees.find(([, pattern]) => pattern.test(document))?.[0] ?? document;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return table(['Document', 'Cases'], ['---', '---:'], ...counts);
}

const shown = (value) => (typeof value === 'object' ? Object.values(value).join('.') : `\`${value}\``);

function differencesPage() {
  const decided = ({ decidedBy }) =>
    decidedBy in PROFILES.spec
      ? `\`${decidedBy}\`: ${shown(PROFILES['genoa-1.55'][decidedBy])} / ${shown(PROFILES.spec[decidedBy])}`
      : decidedBy;
  return `${HEADER}# Differences

Where SEV firmware 1.55 for Genoa, the published specification and the programs that use them do not do alike. The last
column names the field of the profile that decides it, with its values in \`genoa-1.55\` and in \`spec\`. What the
specification has is our reading of it; no hardware is known to behave so.

## Switches

What can be set below \`platform\` in a scenario. The first ones are fields there, the others fields of \`switches\`, each
with what the profiles \`genoa-1.55\` and \`spec\` have.

${switchesTable()}
## The list

${table(
  ['Id', 'Topic', 'Firmware 1.55', 'Specification, or clients', 'Decided by'],
  ['---', '---', '---', '---', '---'],
  ...DIFFERENCES.map((row) => [row.id, row.topic, row.firmware, row.specification, decided(row)]),
)}`;
}

/** Every switch of `platform` in a scenario: its values, the two profiles' own, and what it decides. */
function switchesTable() {
  const { switches, ...machine } = JSON.parse(read('packages/lab/scenario.schema.json')).properties.platform
    .properties;
  const values = ({ enum: words, type, minimum, maximum }) =>
    words?.map(shown).join(', ') ?? (type === 'boolean' ? '`true`, `false`' : `${minimum} to ${maximum}`);
  const row = (name, schema, own) => {
    const difference = DIFFERENCES.find(({ decidedBy }) => decidedBy === name);
    const decides = difference ? `${difference.id}: ${difference.topic}` : schema.description;
    if (decides === undefined) throw new Error(`${name}: neither a difference nor a description`);
    return [`\`${name}\``, values(schema), own, decides];
  };
  const profiles = (name) =>
    [PROFILES['genoa-1.55'], PROFILES.spec].map((profile) => shown(profile[name])).join(' / ');
  return table(
    ['Switch', 'Values', 'Unless set', 'Decides'],
    ['---', '---', '---', '---'],
    ...Object.entries(machine).map(([name, schema]) => row(name, schema, shown(schema.default))),
    ...Object.entries(switches.properties).map(([name, schema]) => row(name, schema, profiles(name))),
  );
}

function supportTable() {
  const emulated = commands.filter(({ command }) => command !== undefined);
  const others = commands.filter(({ command }) => command === undefined);
  const answers = [...new Set(others.map(({ status }) => status))];
  return `${table(
    ['Command', 'Id', 'Emulated'],
    ['---', '---', '---'],
    ...emulated.map((row) => [
      `[${row.name}](docs/reference/commands.md#${slug(row.name)})`,
      hex(row.id, 3),
      supportOf(row),
    ]),
  )}
Not emulated: ${others.map(({ name }) => name).join(', ')}. They answer ${answers.join(' or ')}; any other number answers
INVALID_COMMAND.
`;
}

/** One line per package: `package -> dep, dep`, in alphabetical order. */
function dependencyGraph() {
  const lines = readdirSync(join(root, 'packages'))
    .filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
    .sort()
    .map((name) => {
      const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`));
      const ours = Object.keys(dependencies).filter((dependency) => dependency.startsWith('@sevlab/'));
      return `${name} -> ${ours
        .map((dependency) => dependency.slice('@sevlab/'.length))
        .sort()
        .join(', ')}`.trimEnd();
    });
  return `\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`;
}

/** The document with the part called `name` replaced. Throws Error when it has no such part. */
function withPart(document, name, part) {
  const pattern = new RegExp(`(<!-- generated: ${name} -->\\n)[\\s\\S]*?(\\n<!-- end -->)`);
  if (!pattern.test(document)) throw new Error(`no part '<!-- generated: ${name} -->' … '<!-- end -->'`);
  return document.replace(pattern, (_, begin, end) => `${begin}\n${part}${end}`);
}

const pages = {
  'docs/reference/structures.md': structuresPage(),
  'docs/reference/commands.md': commandsPage(),
  'docs/reference/statuses.md': statusesPage(),
  'docs/reference/deviations.md': deviationsPage(),
  'docs/reference/checks.md': checksPage(),
  'docs/reference/differences.md': differencesPage(),
  'docs/attacks.md': attacksPage(),
  'docs/reference/coverage.md': coveragePage(),
  'README.md': withPart(read('README.md'), 'support', supportTable()),
  'ARCHITECTURE.md': withPart(read('ARCHITECTURE.md'), 'graph', dependencyGraph()),
};

const stale = Object.entries(pages).filter(
  ([path, content]) => !existsSync(join(root, path)) || read(path) !== content,
);
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`stale: ${path}; run npm run docs`);
  if (stale.length > 0) process.exit(1);
} else {
  for (const [path, content] of stale) {
    writeFileSync(join(root, path), content);
    console.log(`written: ${path}`);
  }
}
