/** @file Numbers as the page writes them: grouped, tabular, with a real minus sign. */
import type { Value } from '@/engine/config/field';
import { type MetricName, metrics } from '@/engine/config/metrics';

const MINUS = '−';
const KIBI = 1024;

/** What stands for a number that there is not. */
export const NOTHING = '–';

const fixedFormats = new Map<number, Intl.NumberFormat>();

/** Making a format is slow, and every live number needs one. */
function fixedFormat(digits: number): Intl.NumberFormat {
  let format = fixedFormats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    fixedFormats.set(digits, format);
  }
  return format;
}

const shortFormat = new Intl.NumberFormat('en', { maximumSignificantDigits: 6 });

/** With so many digits after the point, thousands grouped. */
export function formatFixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : `${MINUS}infinite`;
  const text = fixedFormat(digits).format(Math.abs(value));
  return Number(text.replaceAll(',', '')) !== 0 && value < 0 ? MINUS + text : text;
}

/** As short as a person would write it: 5e-4, 0.95, 10,000. */
export function formatShort(value: number): string {
  const size = Math.abs(value);
  const text =
    size > 0 && (size < 1e-2 || size >= 1e7)
      ? size
          .toExponential(3)
          .replace(/\.?0+e/, 'e')
          .replace('e+', 'e')
      : shortFormat.format(size);
  return value < 0 ? MINUS + text : text;
}

/** Three digits that count: 1.26, 0.0312, 3.1e-5. */
export function formatRough(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return formatFixed(value, 0);
  const text =
    size > 0 && size < 1e-3
      ? size.toExponential(1).replace('.0e', 'e')
      : size >= 1000
        ? formatFixed(size, 0)
        : size.toPrecision(3);
  return value < 0 ? MINUS + text : text;
}

/** Counts of parameters and tokens: 1.31 M, 26.1 B. */
export function formatCount(count: number): string {
  const scales = [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const;
  // 999.6 K would round to a thousand K: the scale is chosen after rounding.
  const scale = scales.find(([size]) => count >= size * 0.9995);
  return scale ? `${significant(count / scale[0])} ${scale[1]}` : formatFixed(count, 0);
}

/** Bytes in binary units: 96 MiB, 1.07 GiB. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let power = 0;
  while (power < units.length - 1 && bytes / KIBI ** power >= KIBI * 0.9995) power++;
  const size = bytes / KIBI ** power;
  return `${power === 0 ? formatFixed(size, 0) : significant(size)} ${units[power]}`;
}

/** Three digits, zeros kept: 1.00, 37.0, 399. */
const significant = (size: number) => (size >= 999.5 ? formatFixed(size, 0) : size.toPrecision(3));

/** Digits of a row whose numbers differ by orders of size. */
const MANY_DIGITS = 5;

/** A metric's number and unit, as its row says. */
export function formatMetric(metric: MetricName, value: number): { text: string; unit: string } {
  const { digits, unit } = metrics[metric];
  if (unit === 'bytes') {
    const [text, bytesUnit] = formatBytes(value).split(' ') as [string, string];
    return { text, unit: bytesUnit };
  }
  // A row with many digits means orders of size: 0 has none, and a number too small for its digits would read as 0.
  if (value === 0 && digits >= MANY_DIGITS) return { text: '0', unit };
  const isTooSmall = value !== 0 && Math.abs(value) < 10 ** -(digits - 1) / 2 && digits > 0;
  const isSmall = digits >= MANY_DIGITS && Math.abs(value) < 1e-3 && value !== 0;
  return { text: isTooSmall || isSmall ? formatRough(value) : formatFixed(value, digits), unit };
}

/** A setting's value for a caption. */
export function formatValue(value: Value): string {
  if (typeof value === 'number') return formatShort(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value;
}

/** A number as a person types it, with either decimal sign and either minus; undefined when it is none. */
export function parseNumber(text: string): number | undefined {
  const plain = text
    .trim()
    .replaceAll(MINUS, '-')
    .replaceAll(/[\s\u202f]/g, '');
  const isGrouped = /^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain);
  const point = isGrouped ? plain.replaceAll(',', '') : plain.replace(',', '.');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(point)) return undefined;
  return Number(point);
}
