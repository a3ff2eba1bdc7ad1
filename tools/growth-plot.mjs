// A plot as SVG, on logarithmic paper: costs by size, and a dashed line for what is exactly linear.

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = { left: 70, right: 20, top: 36, bottom: 44 };

/** Readable on light and on dark pages. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .line { fill: none; stroke: #0969da; stroke-width: 2 }
  .point { fill: #0969da }
  .linear, .frame { fill: none; stroke: #8c959f }
  .linear { stroke-dasharray: 4 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .line { stroke: #58a6ff }
    .point { fill: #58a6ff }
  }`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const shown = (value) => (value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(2))));

/** Where a value lies between two others on logarithmic paper, stretched over a length. */
const scale = (low, high, length) => (value) => (Math.log(value / low) / Math.log(high / low)) * length;

/** One growth of `sevlab bench --growth --json`. */
export function growthPlot({ what, unit, points, slope }) {
  const sizes = points.map(({ size }) => size);
  const costs = points.map(({ cost }) => cost.median);
  const [least, most] = [Math.min(...costs) / 2, Math.max(...costs) * 2];
  const along = scale(sizes[0], sizes.at(-1), WIDTH - MARGIN.left - MARGIN.right);
  const up = scale(least, most, HEIGHT - MARGIN.top - MARGIN.bottom);
  const x = (size) => MARGIN.left + along(size);
  const y = (cost) => HEIGHT - MARGIN.bottom - up(Math.min(Math.max(cost, least), most));
  const at = (size, cost) => `${x(size).toFixed(1)},${y(cost).toFixed(1)}`;

  // linear through the last point, as far down as the frame goes
  const perSize = costs.at(-1) / sizes.at(-1);
  const from = Math.max(sizes[0], least / perSize);
  const lines = [
    `<rect class="frame" x="${MARGIN.left}" y="${MARGIN.top}" width="${WIDTH - MARGIN.left - MARGIN.right}" height="${HEIGHT - MARGIN.top - MARGIN.bottom}"/>`,
    `<polyline class="linear" points="${at(from, from * perSize)} ${at(sizes.at(-1), costs.at(-1))}"/>`,
    `<polyline class="line" points="${points.map(({ size }, i) => at(size, costs[i])).join(' ')}"/>`,
    ...points.map(
      ({ size }, i) =>
        `<circle class="point" cx="${x(size).toFixed(1)}" cy="${y(costs[i]).toFixed(1)}" r="3.5"/>`,
    ),
    ...sizes.map(
      (size) => `<text x="${x(size).toFixed(1)}" y="${HEIGHT - 24}" text-anchor="middle">${size}</text>`,
    ),
    ...[Math.min(...costs), Math.max(...costs)].map(
      (cost) =>
        `<text x="${MARGIN.left - 8}" y="${(y(cost) + 4).toFixed(1)}" text-anchor="end">${shown(cost)} ms</text>`,
    ),
    `<text x="${MARGIN.left}" y="22">${escaped(what)}: slope ${slope.toFixed(2)}</text>`,
    `<text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">${escaped(unit)}</text>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(what)}">\n<style>${STYLE}\n</style>\n${lines.join('\n')}\n</svg>\n`;
}
