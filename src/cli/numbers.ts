/** @file Numbers as the command line writes them. */
import { type MetricName, metrics } from '@/engine/index';

const KIBI = 1024;
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export const grouped = (value: number): string => value.toLocaleString('en-US');

/** `45.2 MiB`. */
export function byteSize(bytes: number): string {
  const power = bytes > 0 ? Math.floor(Math.log(bytes) / Math.log(KIBI)) : 0;
  const unit = Math.min(power, BYTE_UNITS.length - 1);
  return `${(bytes / KIBI ** unit).toFixed(unit === 0 ? 0 : 1)} ${BYTE_UNITS[unit]}`;
}

/** A metric with its name and unit: `held out 2.813 bits/byte`. */
export function metricWords(name: MetricName, value: number): string {
  const { label, unit, digits } = metrics[name];
  return `${label} ${value.toFixed(digits)} ${unit}`.trimEnd();
}

/** `1:02:03`, or `2:03` below an hour. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, at) => (at === 0 ? `${part}` : `${part}`.padStart(2, '0'))).join(':');
}
