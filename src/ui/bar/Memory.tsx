import { formatBytes } from '@/ui/format/numbers';
import { Figure } from '@/ui/live/Figure';
import { useRun } from '@/ui/live/hooks';
import styles from './Memory.module.css';

const kinds = ['weights', 'gradients', 'optimizer', 'activations', 'other'] as const;

/** The adapter and what the run holds of it, against what was planned. */
export function Memory() {
  const adapter = useRun((state) => state.adapter);
  const plan = useRun((state) => state.plan);
  const isPrepared = useRun((state) => state.info !== undefined);
  const words = plan
    ? kinds.map((kind) => `${kind} ${formatBytes(plan.bytes[kind])}`).join(', ')
    : 'No plan yet';
  return (
    <div className={styles['device']}>
      <div>
        <span className={styles['adapter']} title={adapter?.name}>
          {adapter?.name ?? 'no adapter yet'}
        </span>
        <span className={styles['bytes']}>
          <Figure metric="memory.deviceBytes" />
          {plan && !isPrepared && <span>of {formatBytes(plan.bytes.total)} planned</span>}
        </span>
      </div>
      <div
        className={styles['memory']}
        role="img"
        aria-label={`Planned memory: ${words}`}
        title={words}
      >
        {plan &&
          kinds.map((kind) => (
            <i key={kind} style={{ flexGrow: plan.bytes[kind] / plan.bytes.total }} />
          ))}
      </div>
    </div>
  );
}
