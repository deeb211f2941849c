/** @file Settings that a running run obeys from its next step on. */
import { isLive, type SettingPath, settingRows, valueAt } from '@/engine/config/settings';
import { Fold } from '@/ui/components/Fold';
import { Setting } from '@/ui/controls/Setting';
import { formatShort } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { change } from '@/ui/state/transport';
import styles from './LiveSettings.module.css';
import { Section } from './Section';
import {
  balancerConstants,
  groups,
  groupTitles,
  lossPaths,
  ratePaths,
  remainingPaths,
} from './sections';

/** Powers of ten at the ends of the rates' sliders. */
const RATE_RANGE = { low: -5, high: -1 };

interface LiveSettingProps {
  readonly path: SettingPath;
  readonly isRate?: boolean;
  readonly isTerse?: boolean;
}

function LiveSetting({ path, isRate = false, isTerse }: LiveSettingProps) {
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
}

/** The balancer alone: on a narrow screen it stays in the open. */
export const Balancer = () => <LiveSetting path="balance.kind" />;

export function Constants() {
  const kind = useRun((state) => state.now.balance.kind);
  const owned = new Set(Object.values(balancerConstants).flat());
  const others = settingRows
    .map(([path]) => path)
    .filter((path) => path.startsWith('balance.') && path !== 'balance.kind' && !owned.has(path));
  return (
    <div className={styles['several']}>
      {[...balancerConstants[kind], ...others.filter(isLive)].map((path) => (
        <LiveSetting key={path} path={path} isTerse />
      ))}
    </div>
  );
}

export const Rates = () => (
  <>
    {ratePaths.map((path) => (
      <LiveSetting key={path} path={path} isRate isTerse />
    ))}
    <div className={styles['several']}>
      {lossPaths.map((path) => (
        <LiveSetting key={path} path={path} isTerse />
      ))}
    </div>
  </>
);

/** Every other live row of the table, folded by group. */
export function LiveFolds() {
  const now = useRun((state) => state.now);
  return (
    <div className={styles['folds']}>
      {groups.map((group) => {
        const paths = group === 'balance' ? [] : remainingPaths(group, true);
        if (paths.length === 0) return null;
        return (
          <Fold key={group} title={groupTitles[group]} summary={liveSummaries[group]?.(now) ?? ''}>
            {paths.map((path) => (
              <LiveSetting key={path} path={path} />
            ))}
          </Fold>
        );
      })}
    </div>
  );
}

type Summary = (now: Parameters<typeof valueAt>[0]) => string;

const liveSummaries: Readonly<Record<string, Summary>> = {
  optimizer: ({ optimizer }) =>
    `clip ${formatShort(optimizer.gradientClip)}, momentum ${formatShort(optimizer.muonMomentum)}`,
  schedule: ({ schedule }) =>
    `warm-up ${formatShort(schedule.warmupSteps)}, ${schedule.decay === 'none' ? 'then constant' : schedule.decay}`,
  probes: ({ probes }) => `needles each ${formatShort(probes.needleEvery)} steps`,
};

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
