/** @file The mixtures of later phases, each with its first step and its shares as a bar. */
import { Fold } from '@/ui/components/Fold';
import { useRun } from '@/ui/live/hooks';
import { formValues } from '@/ui/state/draft';
import { phaseFold } from './folds';
import styles from './LiveSettings.module.css';
import { MixtureBar } from './Mixture';
import { DraftedRows, RunSummary } from './RunSettings';

export function Phases() {
  // Without a second phase there is no third; where somebody gave it a step, it says so.
  const hasThird = useRun((state) => {
    const { phase2, phase3 } = formValues(state);
    return phase2.startsAt > 0 || phase3.startsAt > 0;
  });
  return (
    <Fold title={phaseFold.title} summary={<RunSummary fold={phaseFold} />}>
      <p className={styles['about']}>{phaseFold.about}</p>
      <Phase group="phase2" />
      {hasThird && <Phase group="phase3" />}
    </Fold>
  );
}

function Phase({ group }: { group: 'phase2' | 'phase3' }) {
  const values = useRun(formValues);
  const paths = phaseFold.paths.filter((path) => path.startsWith(`${group}.`));
  const shares = paths.filter((path) => !path.endsWith('.startsAt'));
  return (
    <div className={styles['phase']}>
      {values[group].startsAt > 0 && <MixtureBar paths={shares} />}
      <DraftedRows paths={paths} />
    </div>
  );
}
