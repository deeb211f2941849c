/** @file Settings that start a new run: they are drafted, then started together. */
import { memo } from 'react';
import { type SettingPath, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { Setting } from '@/ui/controls/Setting';
import { formatFixed } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { complaintAbout, complaintsOf, formValues } from '@/ui/state/draft';
import { draftValue } from '@/ui/state/experiments';
import { type FoldRows, runFolds } from './folds';
import styles from './LiveSettings.module.css';
import { Rows } from './Rows';
import { Section } from './Section';
import { modelPaths } from './sections';

interface DraftedSettingProps {
  readonly path: SettingPath;
  readonly isTerse?: boolean;
}

/** One row that starts a new run, with what it was; drawn again with its own value only. */
export const DraftedSetting = memo(({ path, isTerse }: DraftedSettingProps) => {
  const lab = useLab();
  const value = useRun((state) => valueAt(formValues(state), path));
  const running = useRun((state) => valueAt(state.now, path));
  const complaint = useRun((state) => complaintAbout(state, path));
  return (
    <Setting
      path={path}
      value={value}
      was={value === running ? undefined : running}
      complaint={complaint}
      isTerse={isTerse}
      onChange={(to) => draftValue(lab, path, to)}
    />
  );
});

/** Drafted rows that move something, and why the others do not. */
export function DraftedRows({ paths }: { paths: readonly SettingPath[] }) {
  const values = useRun(formValues);
  const draft = useRun((state) => state.draft);
  const wrong = draft ? complaintsOf(draft.values).map(({ path }) => path) : [];
  return (
    <Rows paths={paths} values={values} wrong={wrong}>
      {(path) => <DraftedSetting key={path} path={path} />}
    </Rows>
  );
}

export function ModelSettings() {
  const tokens = useRun((state) => {
    const { data, schedule } = formValues(state);
    return data.contextLength * data.batchSequences * schedule.microBatches;
  });
  return (
    <Section title="Model" aside={`new run, ${formatFixed(tokens, 0)} tokens a step`}>
      <DraftedRows paths={modelPaths} />
    </Section>
  );
}

/** Every other row that starts a new run, folded. */
export const RunFolds = () => (
  <div className={styles['folds']}>
    {runFolds.map((fold) => (
      <Fold key={fold.id} title={fold.title} summary={<RunSummary fold={fold} />}>
        {fold.about && <p className={styles['about']}>{fold.about}</p>}
        <DraftedRows paths={fold.paths} />
      </Fold>
    ))}
  </div>
);

/** What a fold holds; or how much of it is drafted or cannot be, so that it is not hidden. */
export function RunSummary({ fold: { paths, summary } }: { fold: FoldRows }) {
  const words = useRun((state) => summary(formValues(state)));
  const drafted = useRun((state) => {
    const values = formValues(state);
    return paths.filter((path) => valueAt(values, path) !== valueAt(state.now, path)).length;
  });
  const isWrong = useRun((state) => paths.some((path) => complaintAbout(state, path)));
  if (isWrong) return <b className={styles['wrong']}>cannot be</b>;
  if (drafted === 0) return words;
  return (
    <>
      {words}, <b className={styles['drafted']}>{drafted} changed</b>
    </>
  );
}
