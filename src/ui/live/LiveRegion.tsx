import { useStore } from 'zustand';
import { useLab } from './hooks';
import styles from './LiveRegion.module.css';

/** The one place that a screen reader listens to. */
export function LiveRegion() {
  const words = useStore(useLab().announcer.store, (state) => state.words);
  return (
    <p className={styles['hidden']} role="status" aria-live="polite">
      {words}
    </p>
  );
}
