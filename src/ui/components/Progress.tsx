import { ProgressBar } from 'react-aria-components';
import styles from './Progress.module.css';

/** How far something is, 0 to 1; undefined where nobody knows. */
export function Progress({ label, share }: { label: string; share: number | undefined }) {
  return (
    <ProgressBar
      aria-label={label}
      className={styles['track'] ?? ''}
      isIndeterminate={share === undefined}
      value={(share ?? 0) * 100}
    >
      <div className={styles['done']} style={{ width: `${(share ?? 0.1) * 100}%` }} />
    </ProgressBar>
  );
}
