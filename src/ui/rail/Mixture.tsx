/** @file What the model reads: shares of the mixture, and the visitor's own text. */
import { type SettingPath, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { formatFixed } from '@/ui/format/numbers';
import { useRun } from '@/ui/live/hooks';
import { categoryNames } from '@/ui/theme/palette';
import styles from './Mixture.module.css';
import { OwnText } from './OwnText';
import { DraftedSetting, formValues } from './RunSettings';
import { mixturePaths, remainingPaths } from './sections';

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
      <div className={styles['bar']} aria-hidden="true">
        {weights.map((weight, i) => (
          <i
            key={mixturePaths[i]}
            style={{ flexGrow: weight, background: `var(--${categoryNames[i]})` }}
            hidden={weight === 0}
          />
        ))}
      </div>
      {mixturePaths.map((path, i) => (
        <Domain key={path} path={path} place={i} share={total > 0 ? weights[i]! / total : 0} />
      ))}
      <OwnText />
      {remainingPaths('data', false).map((path) => (
        <DraftedSetting key={path} path={path} />
      ))}
    </Fold>
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
