import type { ComponentType } from 'react';

/** A panel is one object in one file; `index.ts` lists them. */
export interface Panel {
  /** kebab-case. */
  readonly id: string;
  /** Also the name of its region. */
  readonly title: string;
  /** The question that it answers, in a few words. */
  readonly subtitle: string;
  /** A few sentences behind the question mark. */
  readonly help: readonly string[];
  readonly Body: ComponentType;
  /** Controls in the title line. */
  readonly Tools?: ComponentType;
  /** Whether it shares its line with the panel after or before it, where the page is wide. */
  readonly isHalf?: true;
}

export const definePanel = (panel: Panel): Panel => panel;
