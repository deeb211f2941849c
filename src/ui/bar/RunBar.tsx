import { useState } from 'react';
import { type MetricName, metrics } from '@/engine/config/metrics';
import { Button, GhostButton } from '@/ui/components/Button';
import { Progress } from '@/ui/components/Progress';
import { Figure } from '@/ui/live/Figure';
import { useLab, useRun } from '@/ui/live/hooks';
import { startAgain } from '@/ui/state/boot';
import { report } from '@/ui/state/transport';
import { classes } from '@/ui/theme/classes';
import { toggleTheme } from '@/ui/theme/theme';
import { Memory } from './Memory';
import { PanelLinks } from './PanelLinks';
import styles from './RunBar.module.css';
import { Transport } from './Transport';

/** The bar at the top: what the run is told, where it stands, what it runs on. */
export function RunBar() {
  const phase = useRun((state) => state.phase);
  const isCompiling = useRun((state) => state.progress !== undefined);
  return (
    <header className={styles['bar']}>
      <Brand />
      <Transport />
      {phase === 'preparing' || isCompiling ? <Preparing /> : <Readings />}
      <Memory />
      <div className={styles['end']}>
        <CopyLink />
        <GhostButton label="Switch theme" icon="theme" onPress={toggleTheme} />
      </div>
      <PanelLinks />
    </header>
  );
}

const Brand = () => (
  <div className={styles['brand']}>
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="4.8" r="2.8" className={styles['chosen']} />
      <circle cx="4.6" cy="14.2" r="2.8" />
      <circle cx="15.4" cy="14.2" r="2.8" />
    </svg>
    <h1>Trinity Lab</h1>
    <Standing />
  </div>
);

const phaseWords = {
  empty: 'waiting',
  preparing: 'preparing',
  paused: 'paused',
  training: 'training',
  stopped: 'stopped',
} as const;

function Standing() {
  const phase = useRun((state) => state.phase);
  const isConnecting = useRun((state) => state.adapter === undefined);
  return (
    <span className={classes(styles['standing'], styles[phase])}>
      {isConnecting ? 'connecting' : phaseWords[phase]}
    </span>
  );
}

/** What is being prepared, how far, and the way out. A run may stand or train already while its last kernels compile. */
function Preparing() {
  const lab = useLab();
  const isWaiting = useRun((state) => state.phase === 'preparing');
  const progress = useRun((state) => state.progress);
  const words = progress
    ? `${progress.label}, ${progress.done} of ${progress.total}`
    : 'Preparing the run';
  return (
    <div className={styles['preparing']}>
      {isWaiting && (
        <Button size="small" onPress={() => startAgain(lab)}>
          Cancel
        </Button>
      )}
      <span>{words}</span>
      <Progress
        label={words}
        share={progress && progress.total > 0 ? progress.done / progress.total : undefined}
      />
    </div>
  );
}

const readings: readonly MetricName[] = [
  'train.step',
  'train.loss',
  'train.tokensPerSecond',
  'train.stepTime',
];
const rates: readonly MetricName[] = ['train.tokensPerSecond', 'train.stepTime'];

function Readings() {
  const isMoving = useRun((state) => state.phase === 'training');
  return (
    <dl className={styles['readings']}>
      {readings.map((metric) => (
        <div key={metric}>
          <dt>{metrics[metric].label}</dt>
          <dd>
            <Figure metric={metric} isResting={!isMoving && rates.includes(metric)} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function CopyLink() {
  const lab = useLab();
  const [isCopied, setCopied] = useState(false);
  // No link holds weights of somebody's.
  const isImported = useRun((state) => state.info?.isImported ?? false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(lab.address.href);
      setCopied(true);
      lab.announcer.say(
        isImported ? 'The settings are copied, without the weights.' : 'The link is copied.',
      );
      window.setTimeout(() => setCopied(false), 2000);
    } catch {
      report(
        lab,
        new Error('The clipboard is not open to this page. The address bar has the link.'),
      );
    }
  };
  return (
    <span className={styles['copy']}>
      <Button icon="link" isShort onPress={copy}>
        Copy link
      </Button>
      {isCopied && <em aria-hidden="true">{isImported ? 'settings only' : 'copied'}</em>}
    </span>
  );
}
