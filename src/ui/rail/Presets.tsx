import { useState } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { type Preset, presetById, presets } from '@/engine/config/presets';
import type { Plan } from '@/engine/train/commands';
import { Button } from '@/ui/components/Button';
import { Message } from '@/ui/components/Message';
import { Segmented } from '@/ui/components/Segmented';
import { formatBytes, formatCount, formatFixed } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { discardDraft, draftPreset, draftValue } from '@/ui/state/experiments';
import { classes } from '@/ui/theme/classes';
import { type Family, type FamilyId, families, familyOf, shortLabel } from './families';
import styles from './Presets.module.css';
import { Section } from './Section';

/** The presets of one family with their exact sizes; choosing one drafts a new run. */
export function Presets() {
  const chosen = useRun((state) => state.draft?.preset ?? state.experiment.preset);
  const preset = presetById(chosen);
  const chosenFamily = preset ? familyOf(preset) : 'trinity';
  // The visitor may look at another family; choosing a preset anywhere shows its own.
  const [look, setLook] = useState<{ readonly at: string; readonly family: FamilyId }>();
  const shown = look?.at === chosen ? look.family : chosenFamily;
  const family = families.find(({ id }) => id === shown) ?? families[0]!;
  return (
    <Section title="Preset" aside="sizes are exact">
      <Segmented
        label="Family of presets"
        isSmall
        value={shown}
        onChange={(id) => setLook({ at: chosen, family: id })}
        options={families.map(({ id, label }) => ({ value: id, label }))}
      />
      <p className={styles['about']}>{family.about}</p>
      <Sizes family={family} chosen={chosen} />
      <ChosenPlan />
    </Section>
  );
}

function Sizes({ family, chosen }: { family: Family; chosen: string }) {
  const lab = useLab();
  const running = useRun((state) => state.experiment.preset);
  const plans = useRun((state) => state.presetPlans);
  const choose = (id: string) =>
    id === running && chosen !== running ? discardDraft(lab) : draftPreset(lab, id);
  return (
    <>
      <div className={styles['head']} aria-hidden="true">
        <span>parameters, active</span>
        <span>memory</span>
      </div>
      <RadioGroup aria-label="Preset" value={chosen} onChange={choose}>
        {family.presets.map((preset) => (
          <Row
            key={preset.id}
            preset={preset}
            name={shortLabel(preset, family)}
            plan={plans[preset.id]}
          />
        ))}
      </RadioGroup>
    </>
  );
}

function Row({ preset, name, plan }: { preset: Preset; name: string; plan: Plan | undefined }) {
  return (
    <Radio
      value={preset.id}
      className={classes(styles['row'], plan?.refusal && styles['over'])}
      aria-label={`${preset.label}. ${preset.help}`}
    >
      <i className={styles['dot']} />
      <b title={preset.help}>{name}</b>
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
  const { recomputedBytes } = plan.refusal;
  return (
    <div className={styles['refusal']}>
      <Message
        title={plan.refusal.message}
        actions={
          (recomputedBytes !== undefined || fits) && (
            <>
              {recomputedBytes !== undefined && (
                <Button
                  size="small"
                  onPress={() => draftValue(lab, 'run.activationCheckpointing', true)}
                >
                  Recompute blocks
                </Button>
              )}
              {fits && (
                <Button size="small" onPress={() => draftPreset(lab, fits.id)}>
                  Open {fits.label}
                </Button>
              )}
            </>
          )
        }
      >
        {formatFixed(plan.parameterCount, 0)} parameters, of which a token touches{' '}
        {formatFixed(plan.activeParameterCount, 0)}. Training needs{' '}
        {formatFixed(plan.bytes.total, 0)} bytes.
        {recomputedBytes !== undefined &&
          ` With its blocks recomputed it takes ${formatFixed(recomputedBytes, 0)} and fits: longer steps, the same bits.`}
        {fits && ` The nearest that fits is ${fits.label}: the same recipe.`}
      </Message>
    </div>
  );
}
