/** @file Settings that start a new run: they are drafted, then started together. */
import { type Complaint, complaints } from '@/engine/config/rules';
import { type SettingPath, type Settings, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { Setting } from '@/ui/controls/Setting';
import { formatFixed } from '@/ui/format/numbers';
import { valueWords } from '@/ui/format/settings';
import { useLab, useRun } from '@/ui/live/hooks';
import { draftValue } from '@/ui/state/experiments';
import type { RunState } from '@/ui/state/run';
import styles from './LiveSettings.module.css';
import { Section } from './Section';
import { groups, groupTitles, modelPaths, remainingPaths } from './sections';

/** Values of the form: the draft's, or the running ones. */
export const formValues = ({ draft, now }: RunState) => draft?.values ?? now;

/** Why the drafted values cannot be, path by path; only the first rule of a row. */
function complaintAt({ draft }: RunState, path: SettingPath): string | undefined {
  return draft && complaintsOf(draft.values).find((complaint) => complaint.path === path)?.message;
}

const found = new WeakMap<Settings, readonly Complaint[]>();

/** Every row asks after every change of the page's state: the same values are checked once. */
export function complaintsOf(values: Settings): readonly Complaint[] {
  const known = found.get(values) ?? complaints(values);
  found.set(values, known);
  return known;
}

/** One row that starts a new run, with what it was. */
export function DraftedSetting({ path, isTerse }: { path: SettingPath; isTerse?: boolean }) {
  const lab = useLab();
  const value = useRun((state) => valueAt(formValues(state), path));
  const running = useRun((state) => valueAt(state.now, path));
  const complaint = useRun((state) => complaintAt(state, path));
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
}

export function ModelSettings() {
  const tokens = useRun((state) => {
    const { data } = formValues(state);
    return data.contextLength * data.batchSequences;
  });
  return (
    <Section title="Model" aside={`new run, ${formatFixed(tokens, 0)} tokens a step`}>
      {modelPaths.map((path) => (
        <DraftedSetting key={path} path={path} />
      ))}
    </Section>
  );
}

/** Every other row that starts a new run, folded by group. */
export function RunFolds() {
  const values = useRun(formValues);
  return (
    <div className={styles['folds']}>
      {groups.map((group) => {
        const paths = remainingPaths(group, false);
        const first = paths[0];
        if (!first || group === 'data') return null;
        const summary =
          paths.length === 1
            ? valueWords(valueAt(values, first))
            : `${paths.length} settings, start a new run`;
        return (
          <Fold key={group} title={runTitles[group] ?? groupTitles[group]} summary={summary}>
            {paths.map((path) => (
              <DraftedSetting key={path} path={path} />
            ))}
          </Fold>
        );
      })}
    </div>
  );
}

/** Where a group also has live rows, its other ones need a title of their own. */
const runTitles: Readonly<Record<string, string>> = { optimizer: 'Router optimizer' };
