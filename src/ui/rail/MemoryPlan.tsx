import { formatBytes, formatFixed } from '@/ui/format/numbers';
import { useRun } from '@/ui/live/hooks';
import styles from './MemoryPlan.module.css';
import { Section } from './Section';

/** Exact bytes by class, of the draft where there is one. */
export function MemoryPlan() {
  const plan = useRun((state) => state.draft?.plan ?? state.plan);
  const isDraft = useRun((state) => state.draft?.plan !== undefined);
  if (!plan) return null;
  const rows = [
    ['weights', plan.bytes.weights],
    ['gradients', plan.bytes.gradients],
    ['optimizer', plan.bytes.optimizer],
    [`activations, ${formatFixed(plan.tokensPerStep, 0)} tokens`, plan.bytes.activations],
    ['batches, router, read-back', plan.bytes.other],
    ['total', plan.bytes.total],
  ] as const;
  return (
    <Section title="Memory plan" aside={isDraft ? 'of the new run' : 'exact, before the run'}>
      <table className={styles['plan']}>
        <tbody>
          {rows.map(([name, bytes]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td title={`${formatFixed(bytes, 0)} bytes`}>{formatBytes(bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles['parameters']}>
        {formatFixed(plan.parameterCount, 0)} parameters,{' '}
        {formatFixed(plan.activeParameterCount, 0)} active for a token
      </p>
    </Section>
  );
}
