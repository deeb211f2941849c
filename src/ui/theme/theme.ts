/** @file Dark or light: what the system says, until the visitor says otherwise; remembered. */
import { createStore } from 'zustand/vanilla';

export type Theme = 'dark' | 'light';

const STORAGE_KEY = 'trinity-lab.theme';
const systemDark = () => window.matchMedia('(prefers-color-scheme: dark)');

function remembered(): Theme | undefined {
  try {
    const kept = window.localStorage.getItem(STORAGE_KEY);
    return kept === 'dark' || kept === 'light' ? kept : undefined;
  } catch {
    // Storage may be forbidden; the system's theme is fine then.
    return undefined;
  }
}

/** The theme on screen; canvases draw again when it changes. */
export const themeStore = createStore<{ readonly theme: Theme }>(() => ({ theme: 'dark' }));

/** Sets the theme on the page and follows the system; call once, before the first drawing. */
export function followTheme(): void {
  const system = systemDark();
  const follow = () => show(remembered() ?? (system.matches ? 'dark' : 'light'));
  system.addEventListener('change', follow);
  follow();
}

export function toggleTheme(): void {
  const theme = themeStore.getState().theme === 'dark' ? 'light' : 'dark';
  try {
    window.localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Not remembered, but switched.
  }
  show(theme);
}

function show(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
  themeStore.setState({ theme });
}
