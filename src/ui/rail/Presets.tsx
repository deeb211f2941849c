import { Radio, RadioGroup } from 'react-aria-components';
import { type Preset, presets } from '@/engine/config/presets';
import type { Plan } from '@/engine/train/commands';
import { Button } from '@/ui/components/Button';
import { Message } from '@/ui/components/Message';
import { formatBytes, formatCount, formatFixed } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { discardDraft, draftPreset } from '@/ui/state/experiments';
import { classes } from '@/ui/theme/classes';
import styles from './Presets.module.css';
import { Section } from './Section';

/** Every preset with its exact sizes; choosing one drafts a new run. */
export function Presets() {
  const lab = useLab();
  const running = useRun((state) => state.experiment.preset);
  const chosen = useRun((state) => state.draft?.preset ?? state.experiment.preset);
  const plans = useRun((state) => state.presetPlans);
  const choose = (id: string) =>
    id === running && chosen !== running ? discardDraft(lab) : draftPreset(lab, id);
  return (
    <Section title="Preset" aside="Trinity family">
      <div className={styles['head']} aria-hidden="true">
        <span>parameters, active</span>
        <span>memory</span>
      </div>
      <RadioGroup aria-label="Preset" value={chosen} onChange={choose}>
        {presets.map((preset) => (
          <Row key={preset.id} preset={preset} plan={plans[preset.id]} />
        ))}
      </RadioGroup>
      <ChosenPlan />
    </Section>
  );
}

function Row({ preset, plan }: { preset: Preset; plan: Plan | undefined }) {
  return (
    <Radio
      value={preset.id}
      className={classes(styles['row'], plan?.refusal && styles['over'])}
      aria-label={`${preset.label}. ${preset.help}`}
    >
      <i className={styles['dot']} />
      <b>{preset.label}</b>
      <span>
        {plan
          ? `${formatCount(plan.parameterCount)}, ${formatCount(plan.activeParameterCount)}`
          : ''}
      </span>
      <span>{plan ? formatBytes(plan.bytes.total) : ''}</span>
    </Radio>
  );
}

/** Why the chosen size cannot run here, with its exact figures and the nearest one that can. */
function ChosenPlan() {
  const lab = useLab();
  const plan = useRun((state) => (state.draft ? state.draft.plan : state.plan));
  const fits = presets.find(({ id }) => id === plan?.refusal?.fits);
  if (!plan?.refusal) return null;
  return (
    <div className={styles['refusal']}>
      <Message
        title={plan.refusal.message}
        actions={
          fits && (
            <Button size="small" onPress={() => draftPreset(lab, fits.id)}>
              Open {fits.label}
            </Button>
          )
        }
      >
        {formatFixed(plan.parameterCount, 0)} parameters, of which a token touches{' '}
        {formatFixed(plan.activeParameterCount, 0)}. Training needs{' '}
        {formatFixed(plan.bytes.total, 0)} bytes.
        {fits && ` The nearest that fits is ${fits.label}: the same recipe.`}
      </Message>
    </div>
  );
}
