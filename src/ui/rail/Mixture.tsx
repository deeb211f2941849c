/** @file What the model reads: shares of the mixture, and the visitor's own text. */
import { type SettingPath, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { formatFixed } from '@/ui/format/numbers';
import { useRun } from '@/ui/live/hooks';
import { formValues } from '@/ui/state/draft';
import { categoryNames } from '@/ui/theme/palette';
import styles from './Mixture.module.css';
import { OwnText } from './OwnText';
import { DraftedRows, DraftedSetting } from './RunSettings';
import { mixtureExtras, mixturePaths } from './sections';

export function Mixture() {
  const values = useRun(formValues);
  const weights = mixturePaths.map((path) => valueAt(values, path) as number);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const used = weights.filter((weight) => weight > 0).length;
  return (
    <Fold
      title="Data"
      summary={`${used} ${used === 1 ? 'domain' : 'domains'}, bytes`}
      isOpenAtFirst
    >
      <MixtureBar paths={mixturePaths} />
      {mixturePaths.map((path, i) => (
        <Domain key={path} path={path} place={i} share={total > 0 ? weights[i]! / total : 0} />
      ))}
      <OwnText />
      <DraftedRows paths={mixtureExtras} />
    </Fold>
  );
}

/** Shares of a mixture side by side; `paths` in the order of their colours. */
export function MixtureBar({ paths }: { paths: readonly SettingPath[] }) {
  const values = useRun(formValues);
  return (
    <div className={styles['bar']} aria-hidden="true">
      {paths.map((path, i) => {
        const weight = valueAt(values, path) as number;
        return (
          <i
            key={path}
            style={{ flexGrow: weight, background: `var(--${categoryNames[i]})` }}
            hidden={weight === 0}
          />
        );
      })}
    </div>
  );
}

function Domain({ path, place, share }: { path: SettingPath; place: number; share: number }) {
  return (
    <div className={styles['domain']}>
      <i style={{ background: `var(--${categoryNames[place]})` }} />
      <div>
        <DraftedSetting path={path} isTerse />
      </div>
      <span>{formatFixed(share * 100, 0)} %</span>
    </div>
  );
}
