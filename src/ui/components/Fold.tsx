import { type ReactNode, useState } from 'react';
import { classes } from '@/ui/theme/classes';
import styles from './Fold.module.css';
import { Icon } from './Icon';

interface FoldProps {
  readonly title: string;
  /** What is inside, in a few words, while it is folded. */
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly isOpenAtFirst?: boolean;
}

/** A part that opens; its content exists only while it is open. */
export function Fold({ title, summary, children, isOpenAtFirst = false }: FoldProps) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  return (
    <details
      className={styles['fold']}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className={classes(styles['summary'], isOpen && styles['open'])}>
        <Icon name="right" />
        <span>{title}</span>
        <span className={styles['about']}>{summary}</span>
      </summary>
      {isOpen && <div className={styles['content']}>{children}</div>}
    </details>
  );
}
