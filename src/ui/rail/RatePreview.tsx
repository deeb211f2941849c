/** @file The schedule as a picture: both rates as a share of their peaks, and where the run stands. */
import { learningRateFactor } from '@/engine/config/learningRate';
import { formatFixed, formatRough } from '@/ui/format/numbers';
import { useLatest, useRun } from '@/ui/live/hooks';
import styles from './RatePreview.module.css';
import { previewEnd, rateCurve } from './rateCurve';

/** Units of the drawing; the page stretches it. */
const WIDTH = 100;
const HEIGHT = 40;
const POINTS = 80;
/** The run's end moves in strides of this, so that the picture does not shrink with each step. */
const STRIDE = 50;

export function RatePreview() {
  const schedule = useRun((state) => state.now.schedule);
  const step = useLatest('train.step')?.value ?? 0;
  const end = previewEnd(schedule, Math.ceil(step / STRIDE) * STRIDE);
  const x = (at: number) => (at / end) * WIDTH;
  const y = (factor: number) => HEIGHT - factor * (HEIGHT - 2) - 1;
  const path = rateCurve(schedule, end, POINTS)
    .map((point) => `${x(point.step).toFixed(2)},${y(point.factor).toFixed(2)}`)
    .join(' ');
  const growths = [schedule.growAt, schedule.growAgainAt].filter(
    (at) => schedule.growAt > 0 && at > 0,
  );
  return (
    <figure className={styles['preview']}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {growths.map((at) => (
          <line key={at} x1={x(at)} x2={x(at)} y1={0} y2={HEIGHT} className={styles['growth']} />
        ))}
        <polyline points={path} className={styles['rate']} />
        <line x1={x(step)} x2={x(step)} y1={0} y2={HEIGHT} className={styles['now']} />
      </svg>
      <div className={styles['ends']} aria-hidden="true">
        <span>0</span>
        {growths.length > 0 && <span>dotted: the batch grows</span>}
        <span>step {formatFixed(end, 0)}</span>
      </div>
      <Caption step={step} />
    </figure>
  );
}

/** Both rates of the next step, in numbers. */
function Caption({ step }: { step: number }) {
  const { schedule, optimizer } = useRun((state) => state.now);
  const factor = learningRateFactor(step, schedule);
  const adamw = `AdamW ${formatRough(factor * optimizer.adamwLearningRate)}`;
  return (
    <figcaption>
      After step {formatFixed(step, 0)}: {formatRough(factor)} × the peak,{' '}
      {optimizer.hidden === 'muon' && `Muon ${formatRough(factor * optimizer.muonLearningRate)}, `}
      {adamw}.
    </figcaption>
  );
}
