/** @file Settings that a running run obeys from its next step on. */
import { memo } from 'react';
import { type SettingPath, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { Setting } from '@/ui/controls/Setting';
import { useLab, useRun } from '@/ui/live/hooks';
import { change } from '@/ui/state/transport';
import { whyIdle } from './effect';
import { liveFolds } from './folds';
import styles from './LiveSettings.module.css';
import { RatePreview } from './RatePreview';
import { Rows } from './Rows';
import { Section } from './Section';
import { balancerConstants, lossPaths, ratePaths } from './sections';

/** Powers of ten at the ends of the rates' sliders. */
const RATE_RANGE = { low: -5, high: -1 };

interface LiveSettingProps {
  readonly path: SettingPath;
  readonly isRate?: boolean;
  readonly isTerse?: boolean;
}

/** Drawn again with its own value only: a hundred fields, most of them in closed folds, take longer than a frame. */
const LiveSetting = memo(({ path, isRate = false, isTerse }: LiveSettingProps) => {
  const lab = useLab();
  const value = useRun((state) => valueAt(state.now, path));
  return (
    <Setting
      path={path}
      value={value}
      onChange={(to) => change(lab, path, to)}
      isTerse={isTerse}
      {...(isRate && { sliderRange: RATE_RANGE })}
    />
  );
});

/** The balancer alone: on a narrow screen it stays in the open. */
export const Balancer = () => <LiveSetting path="balance.kind" />;

export function Constants() {
  const kind = useRun((state) => state.now.balance.kind);
  return (
    <div className={styles['several']}>
      {balancerConstants[kind].map((path) => (
        <LiveSetting key={path} path={path} isTerse />
      ))}
    </div>
  );
}

export function Rates() {
  const now = useRun((state) => state.now);
  return (
    <>
      {ratePaths
        .filter((path) => whyIdle(now, path) === undefined)
        .map((path) => (
          <LiveSetting key={path} path={path} isRate isTerse />
        ))}
      <div className={styles['pairs']}>
        {lossPaths.map((path) => (
          <LiveSetting key={path} path={path} isTerse />
        ))}
      </div>
    </>
  );
}

/** Every other live row of the table, folded. */
export function LiveFolds() {
  const now = useRun((state) => state.now);
  return (
    <div className={styles['folds']}>
      {liveFolds.map(({ id, title, paths, summary }) => (
        <Fold key={id} title={title} summary={summary(now)}>
          {id === 'schedule' && <RatePreview />}
          <Rows paths={paths} values={now}>
            {(path) => <LiveSetting key={path} path={path} />}
          </Rows>
        </Fold>
      ))}
    </div>
  );
}

export const LiveSettings = () => (
  <>
    <Section title="While it runs" aside="from the next step" isYours>
      <Balancer />
      <Constants />
      <Rates />
    </Section>
    <LiveFolds />
  </>
);
