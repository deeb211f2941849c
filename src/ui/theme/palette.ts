/** @file The colours of tokens.css as canvases need them. */
import { useMemo } from 'react';
import { useStore } from 'zustand';
import type { Rgb } from './scales';
import { themeStore } from './theme';

const names = [
  'bg',
  'line',
  'line-2',
  'ink',
  'ink-2',
  'ink-3',
  'yours',
  'none',
  'none-hatch',
  'c1',
  'c2',
  'c3',
  'c4',
  'c5',
  'c6',
] as const;

export type ColorName = (typeof names)[number];
export type Palette = Readonly<Record<ColorName, Rgb>>;

/** Categories in order: domains and pins. The last is for whatever has no colour of its own. */
export const categoryNames = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const;

/** Colours of pinned experts in order; the colour of an unpinned one is grey. */
export const pinNames = ['c1', 'c2', 'c4', 'c3'] as const;

/** The colours of the theme on screen. */
export function usePalette(): Palette {
  const theme = useStore(themeStore, (state) => state.theme);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what the page's styles answer.
  return useMemo(readPalette, [theme]);
}

/** Asks the page for each colour: only a used colour comes back as numbers. */
function readPalette(): Palette {
  const probe = document.body.appendChild(document.createElement('span'));
  const entries = names.map((name) => {
    probe.style.color = `var(--${name})`;
    const [red = 0, green = 0, blue = 0] = (
      getComputedStyle(probe).color.match(/[\d.]+/g) ?? []
    ).map(Number);
    return [name, [red, green, blue]];
  });
  probe.remove();
  return Object.fromEntries(entries);
}
