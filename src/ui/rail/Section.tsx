import type { ReactNode } from 'react';
import { classes } from '@/ui/theme/classes';
import styles from './Section.module.css';

interface SectionProps {
  readonly title: string;
  /** A few words at its right. */
  readonly aside?: ReactNode;
  /** Coral: what it holds changes the run that runs. */
  readonly isYours?: boolean;
  readonly children: ReactNode;
}

export function Section({ title, aside, isYours, children }: SectionProps) {
  return (
    <section className={styles['section']} aria-label={title}>
      <header>
        <h2 className={classes(isYours && styles['yours'])}>{title}</h2>
        {aside && <span>{aside}</span>}
      </header>
      {children}
    </section>
  );
}
