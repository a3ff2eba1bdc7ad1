// Measures, and writes what docs/speed.md shows: its table of figures, docs/images/growth-*.svg, and the record that CI
// compares with, docs/bench-record.json. `node tools/speed.mjs [FIGURES GROWTH]` takes what `sevlab bench --json` and
// `sevlab bench --growth --json` printed instead of measuring.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { growthPlot } from './growth-plot.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const path = (name) => join(root, name);

/** One document that the benchmark prints; a target that is missed is no fault here. */
function bench(...words) {
  const { stdout, stderr } = spawnSync(path('sevlab'), ['bench', '--json', ...words], { encoding: 'utf8' });
  if (stdout === '') throw new Error(`sevlab bench ${words.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

const digits = (value) => (value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3))));
const spread = ({ median, low, high }) => `${digits(median)} (${digits(low)} to ${digits(high)})`;
const target = ({ target: { atMost, atLeast } = {} }) =>
  atMost !== undefined ? `at most ${atMost}` : atLeast !== undefined ? `at least ${atLeast}` : '';
const row = (...cells) => `| ${cells.join(' | ')} |\n`;

function figureTable({ figures, processor, cores, load, node }) {
  const rows = figures.map((figure) =>
    'missing' in figure
      ? row(`\`${figure.name}\``, figure.what, '', `not measured: ${figure.missing}`, '', '')
      : row(
          `\`${figure.name}\``,
          figure.what,
          figure.reference,
          `${spread(figure.value)} ${figure.unit}`,
          target(figure),
          figure.met ? 'yes' : '**no**',
        ),
  );
  return (
    `${processor}, ${cores} cores, with a load of ${load} from other work when it began; Node ${node}.\n\n` +
    row('Figure', 'What', 'Beside', 'Median, and where half of the runs lie', 'Target', 'Met') +
    row('---', '---', '---', '---', '---', '---') +
    rows.join('')
  );
}

function growthList({ growths }) {
  return growths
    .map(({ name, what, unit, points, slope, met }) => {
      const shown = `${what}, by ${unit}: ${points.length} points, slope ${slope.toFixed(2)}`;
      return `![${shown}](images/growth-${name}.svg)\n${met ? '' : '\n**This one is steeper than it should be.**\n'}`;
    })
    .join('\n');
}

const [figuresFile, growthFile] = process.argv.slice(2);
const given = (file) => JSON.parse(readFileSync(file, 'utf8'));
const figures = figuresFile ? given(figuresFile) : bench();
const growth = growthFile ? given(growthFile) : bench('--growth');

const parts = { figures: figureTable(figures), growth: growthList(growth) };
const page = readFileSync(path('docs/speed.md'), 'utf8').replace(
  /(<!-- measured: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
  (_, begin, name, end) => `${begin}\n${parts[name]}\n${end}`,
);
writeFileSync(path('docs/speed.md'), page);
for (const each of growth.growths)
  writeFileSync(path(`docs/images/growth-${each.name}.svg`), growthPlot(each));
const ratios = Object.fromEntries(
  figures.figures
    .filter(({ costRatio }) => costRatio)
    .map(({ name, costRatio }) => [name, Number(costRatio.median.toPrecision(3))]),
);
const about =
  'cost ratios of `sevlab bench`, written by tools/speed.mjs; CI fails when one is three times as high';
writeFileSync(path('docs/bench-record.json'), `${JSON.stringify({ about, ratios }, null, 2)}\n`);
