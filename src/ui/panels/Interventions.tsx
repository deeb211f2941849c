/** @file The six changes of Trinity Large as switches, and the recipes before and after them. */
import { type Intervention, interventions } from '@/engine/config/presets';
import { isLive, valueAt } from '@/engine/config/settings';
import { Button } from '@/ui/components/Button';
import { Segmented } from '@/ui/components/Segmented';
import { valueWords } from '@/ui/format/settings';
import { useLab, useRun } from '@/ui/live/hooks';
import { formValues, isStartable } from '@/ui/state/draft';
import { draftPreset, draftValue } from '@/ui/state/experiments';
import { change, newRun } from '@/ui/state/transport';
import styles from './Interventions.module.css';
import { Caption } from './parts';

export function Interventions() {
  const made = useRun((state) => {
    const values = formValues(state);
    return interventions.filter(({ path, after }) => valueAt(values, path) === after).length;
  });
  return (
    <>
      <Caption aside={`${made} of ${interventions.length} as after`}>
        <b>Six changes</b>, before and after
      </Caption>
      <ul className={styles['list']}>
        {interventions.map((intervention) => (
          <Switch key={intervention.id} intervention={intervention} />
        ))}
      </ul>
      <Recipes />
    </>
  );
}

/** One change: live where the run can obey it, else drafted. */
function Switch({ intervention }: { intervention: Intervention }) {
  const { label, help, path, before, after } = intervention;
  const lab = useLab();
  const isImmediate = isLive(path);
  const value = useRun((state) => valueAt(isImmediate ? state.now : formValues(state), path));
  const isDrafted = useRun(
    (state) => !isImmediate && valueAt(formValues(state), path) !== valueAt(state.now, path),
  );
  const set = (side: string) => {
    const to = side === 'after' ? after : before;
    return isImmediate ? change(lab, path, to) : draftValue(lab, path, to);
  };
  const side = value === after ? 'after' : value === before ? 'before' : '';
  return (
    <li>
      <div>
        <strong>{label}</strong>
        <span className={isDrafted ? styles['yours'] : undefined}>
          {isImmediate ? 'at once' : isDrafted ? 'waits for a new run' : 'new run'}
        </span>
        <p>{help}</p>
        {side === '' && <p>Now {valueWords(value)}, neither of the two.</p>}
      </div>
      <Segmented
        label={label}
        isSmall
        value={side}
        onChange={set}
        options={[
          { value: 'before', label: valueWords(before) },
          { value: 'after', label: valueWords(after) },
        ]}
      />
    </li>
  );
}

/** Both recipes whole, and the way to start what waits. */
function Recipes() {
  const lab = useLab();
  const isDrafted = useRun((state) => state.draft !== undefined);
  const isPossible = useRun(isStartable);
  return (
    <div className={styles['recipes']}>
      <Button size="small" onPress={() => draftPreset(lab, 'stability-before')}>
        All as before
      </Button>
      <Button size="small" onPress={() => draftPreset(lab, 'stability-after')}>
        All as after
      </Button>
      {isDrafted && (
        <Button size="small" kind="go" isDisabled={!isPossible} onPress={() => newRun(lab)}>
          Start what waits
        </Button>
      )}
    </div>
  );
}
