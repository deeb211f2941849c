import { presetById } from '@/engine/config/presets';
import { useIsNarrow } from '@/ui/charts/gutters';
import { Fold } from '@/ui/components/Fold';
import { Gradually } from '@/ui/components/Gradually';
import { formatCount, formatShort } from '@/ui/format/numbers';
import { useIsPatient, useRun } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import { Changes } from './Changes';
import { DraftFoot } from './DraftFoot';
import { Balancer, Constants, LiveFolds, LiveSettings, Rates } from './LiveSettings';
import { Mixture } from './Mixture';
import { Phases } from './Phases';
import { Presets } from './Presets';
import styles from './Rail.module.css';
import { RunPlan } from './RunPlan';
import { ModelSettings, RunFolds } from './RunSettings';

/** The experiment, at the left of the page; folded at its top where the page is narrow. */
export function Rail() {
  const isNarrow = useIsNarrow();
  return (
    <aside className={styles['rail']} aria-label="Experiment">
      {isNarrow ? <Narrow /> : <Wide />}
      <DraftFoot />
    </aside>
  );
}

const NewRun = () => (
  <Gradually isPatient={useIsPatient()}>
    <ModelSettings />
    <Mixture />
    <Phases />
    <RunFolds />
    <Notes place="settings" />
    <RunPlan />
    <Changes />
  </Gradually>
);

const Wide = () => (
  <Gradually isPatient={useIsPatient()}>
    <Presets />
    <LiveSettings />
    <NewRun />
  </Gradually>
);

/** Only the balancer stays in the open. */
function Narrow() {
  const preset = useRun((state) => presetById(state.experiment.preset)?.label);
  const parameterCount = useRun((state) => state.plan?.parameterCount);
  const { muonLearningRate, adamwLearningRate } = useRun((state) => state.now.optimizer);
  const size = parameterCount === undefined ? '' : `, ${formatCount(parameterCount)} parameters`;
  return (
    <>
      <Fold title="Experiment" summary={`${preset}${size}`}>
        <div className={styles['folded']}>
          <Presets />
          <NewRun />
        </div>
      </Fold>
      <div className={styles['balancer']}>
        <Balancer />
      </div>
      <Fold
        title="Rates and constants"
        summary={`Muon ${formatShort(muonLearningRate)}, AdamW ${formatShort(adamwLearningRate)}`}
      >
        <Constants />
        <Rates />
        <LiveFolds />
      </Fold>
    </>
  );
}
