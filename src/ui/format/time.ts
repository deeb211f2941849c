/** @file Moments as the page writes them. */

const MINUTE_MS = 60_000;
const units = [
  ['day', 24 * 60 * MINUTE_MS],
  ['hour', 60 * MINUTE_MS],
  ['minute', MINUTE_MS],
] as const;

const agoFormat = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const momentFormat = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** 3 minutes ago, yesterday; both in milliseconds since 1970. */
export function formatAgo(moment: number, now: number): string {
  const passed = Math.max(0, now - moment);
  const unit = units.find(([, length]) => passed >= length);
  return unit ? agoFormat.format(-Math.floor(passed / unit[1]), unit[0]) : 'just now';
}

/** Nov 22, 2026, 1:45 PM, in the visitor's time zone. */
export const formatMoment = (moment: number): string => momentFormat.format(moment);
