import type { ReactNode } from 'react';
import { classes } from '@/ui/theme/classes';
import styles from './Message.module.css';

interface MessageProps {
  readonly title: string;
  /** What happened, why, what next. */
  readonly children: ReactNode;
  readonly isError?: boolean;
  readonly actions?: ReactNode;
}

export function Message({ title, children, isError, actions }: MessageProps) {
  return (
    <div
      className={classes(styles['message'], isError && styles['bad'])}
      role={isError ? 'alert' : 'status'}
    >
      <strong className={styles['title']}>{title}</strong>
      <div className={styles['body']}>{children}</div>
      {actions && <div className={styles['actions']}>{actions}</div>}
    </div>
  );
}
