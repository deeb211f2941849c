/** @file The plot of docs/performance.md: how the time of a step grows, measured and modelled, as one SVG. */
import type { Report } from '../bench/run';
import { comparedRounds, pairedRatio } from '../bench/statistics';
import { type CostModel, type CostPoint, fitCosts, modelled } from './costModel';

/** What is kept of a bench report. */
export interface CostData {
  readonly date: string;
  readonly adapter: string;
  readonly rounds: number;
  readonly points: readonly CostPoint[];
}

/** The sweeps of a report. @throws {Error} where it has none */
export function costData({ date, adapter, options, steps }: Report): CostData {
  const swept = steps.filter((step) => step.sweep);
  if (swept.length === 0)
    throw new Error('the report has no sweeps: npm run bench -- --only sweep');
  const points = swept.map((step): CostPoint => {
    const first = swept.find(({ sweep }) => sweep!.of === step.sweep!.of)!;
    const { median, low, high } = pairedRatio(comparedRounds(step), comparedRounds(first));
    return {
      sweep: step.sweep!.of,
      x: step.sweep!.x,
      ratio: { median, low, high },
      flops: step.flops,
      weightBytes: step.bytes.weights,
      activationBytes: step.bytes.activations,
    };
  });
  return { date: date.slice(0, 10), adapter: adapter.name, rounds: options.repeats, points };
}

/** Sweeps that share a chart, with the name of what is varied. */
const charts = [
  { title: 'tokens of a step', sweeps: [{ of: 'tokens', name: '', color: '#2674c9' }] },
  { title: 'width', sweeps: [{ of: 'width', name: '', color: '#2674c9' }] },
  {
    title: 'experts, two a token',
    sweeps: [
      { of: 'experts even', name: 'even', color: '#2674c9' },
      { of: 'experts zipf', name: 'Zipf', color: '#9a3f8a' },
    ],
  },
  { title: 'context, window 64', sweeps: [{ of: 'context', name: '', color: '#2674c9' }] },
] as const;

const WIDTH = 208;
const HEIGHT = 180;
const GAP = 40;
const LEFT = 34;
const TOP = 28;
/** A chart shows at least this ratio, so that noise looks like noise. */
const LEAST_TOP = 2;

export function costPlot({ points }: CostData): string {
  const model = fitCosts(points);
  const width = LEFT + charts.length * WIDTH + (charts.length - 1) * GAP + 8;
  const drawn = charts.map(({ title, sweeps }, i) => {
    const own = sweeps.map((sweep) => ({
      ...sweep,
      points: points.filter((point) => point.sweep === sweep.of),
    }));
    return `<g transform="translate(${LEFT + i * (WIDTH + GAP)} ${TOP})">${chart(title, own, model)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + HEIGHT + 40}" width="${width}" font-family="system-ui, sans-serif" font-size="11" fill="#4a5159" role="img" aria-label="Time of a step against tokens, width, experts and context, as multiples of the smallest case: measured dots, modelled lines">
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>
`;
}

interface Curve {
  readonly name: string;
  readonly color: string;
  readonly points: readonly CostPoint[];
}

function chart(title: string, curves: readonly Curve[], model: CostModel): string {
  const all = curves.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const [least, most] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const top = Math.max(LEAST_TOP, ...all.map(({ ratio }) => ratio.high)) * 1.15;
  const bottom = Math.min(1, ...all.map(({ ratio }) => ratio.low)) / 1.1;
  const left = (x: number) => place(x, least, most, WIDTH - 24) + 12;
  const height = (ratio: number) => HEIGHT - place(ratio, bottom, top, HEIGHT);
  const rows = powersOfTwo(bottom, top).map(
    (ratio) =>
      `<path d="M0 ${fixed(height(ratio))}h${WIDTH}" stroke="#e6e6e1"/><text x="-6" y="${fixed(height(ratio) + 4)}" text-anchor="end">${ratio}×</text>`,
  );
  const xs = [...new Set(all.map(({ x }) => x))];
  const ticks = xs.map(
    (x) =>
      `<text x="${fixed(left(x))}" y="${HEIGHT + 16}" text-anchor="middle">${x.toLocaleString('en')}</text>`,
  );
  const lines = curves.map((curve) => drawnCurve(curve, model, left, height));
  return [
    `<text y="-12" fill="#16191d" font-weight="600">${title}</text>`,
    ...rows,
    ...ticks,
    ...lines,
  ].join('\n');
}

/** The model as a line, the medians as dots, the quartiles as bars. */
function drawnCurve(
  { name, color, points }: Curve,
  model: CostModel,
  left: (x: number) => number,
  height: (ratio: number) => number,
): string {
  const unit = modelled(model, points[0]!);
  const line = points.map(
    (point) => `${fixed(left(point.x))} ${fixed(height(modelled(model, point) / unit))}`,
  );
  const dots = points.map(({ x, ratio }) => {
    const [at, low, high] = [fixed(left(x)), fixed(height(ratio.low)), fixed(height(ratio.high))];
    return `<path d="M${at} ${low}V${high}" stroke="${color}"/><circle cx="${at}" cy="${fixed(height(ratio.median))}" r="3.5" fill="${color}"/>`;
  });
  const last = points.at(-1)!;
  const label = `<text x="${fixed(left(last.x) - 8)}" y="${fixed(height(last.ratio.median) - 8)}" text-anchor="end" fill="${color}">${name}</text>`;
  return `<polyline points="${line.join(' ')}" fill="none" stroke="${color}" stroke-opacity="0.45" stroke-width="1.75"/>${dots.join('')}${name ? label : ''}`;
}

/** Where a value lies on a logarithmic axis. */
const place = (value: number, least: number, most: number, length: number): number =>
  (length * Math.log(value / least)) / Math.log(most / least);

const powersOfTwo = (least: number, most: number): number[] =>
  Array.from({ length: 20 }, (_, i) => 2 ** (i - 4)).filter((n) => n >= least && n <= most);

const fixed = (value: number): string => value.toFixed(1);
