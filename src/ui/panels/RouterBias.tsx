import { Figure } from '@/ui/live/Figure';
import { useDrawn, useRun } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { BiasBars } from './BiasBars';
import { BIAS_HISTORY_HEIGHT, BiasHistory } from './BiasHistory';
import { definePanel } from './definePanel';
import { Columns, Empty, LayerStepper } from './parts';
import styles from './RouterBias.module.css';

const hasBias = ({ bias }: Recorder) => bias !== undefined;

function RouterBias() {
  const info = useRun((state) => state.info);
  const isMeasured = useDrawn(hasBias, 250);
  if (info && info.mixtureLayers.length === 0) {
    return <Empty title="This model has no router">Every layer of it is dense.</Empty>;
  }
  if (!info || !isMeasured) {
    return (
      <Empty title="Biases from the next step on" height={BIAS_HISTORY_HEIGHT}>
        Every expert’s bias over steps, and how the balancer moved it last. They are read while this
        panel is in view.
      </Empty>
    );
  }
  return <Columns left={<BiasHistory />} right={<BiasBars />} />;
}

/** Only SMEBU's update has a momentum. */
function Momentum() {
  const isKept = useRun((state) => state.now.balance.kind === 'smebu');
  if (!isKept) return null;
  return (
    <>
      , momentum <Figure metric="router.momentumNorm" />
    </>
  );
}

const Tools = () => (
  <>
    <span className={styles['norm']}>
      norm, all layers <Figure metric="router.biasNorm" />
      <Momentum />
    </span>
    <LayerStepper />
  </>
);

export const routerBias = definePanel({
  id: 'router-bias',
  title: 'Router bias',
  subtitle: 'added to a score when experts are chosen, never to the weight of their answer',
  help: [
    'An expert with too many tokens gets a lower bias, one with too few a higher one, so that the next tokens spread better. The gradient never sees the bias.',
    'The sign rule takes a step of fixed size towards balance. SMEBU’s step shrinks as the load evens out, and has momentum. Forced balance is a control: tokens are dealt out in turn, and biases stay.',
  ],
  Tools,
  Body: RouterBias,
});
