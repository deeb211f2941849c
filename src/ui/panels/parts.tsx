/** @file Small parts that several panels share. */
import type { ReactNode } from 'react';
import { GhostButton } from '@/ui/components/Button';
import { useLab, useRun, useView } from '@/ui/live/hooks';
import { shownMixtureLayer } from '@/ui/state/view';
import styles from './parts.module.css';

/**
 * A panel without data: what will appear and when.
 * @param props.height pixels of what will stand here, so that nothing below it moves.
 */
export function Empty(props: {
  title: string;
  children: ReactNode;
  action?: ReactNode;
  height?: number;
}) {
  return (
    <div
      className={styles['empty']}
      style={props.height === undefined ? undefined : { minHeight: props.height }}
    >
      <strong>{props.title}</strong>
      <span>{props.children}</span>
      {props.action && <div>{props.action}</div>}
    </div>
  );
}

/** A line over a chart: what it is, and something at its right. */
export function Caption({ children, aside }: { children: ReactNode; aside?: ReactNode }) {
  return (
    <div className={styles['caption']}>
      <span>{children}</span>
      {aside && <span>{aside}</span>}
    </div>
  );
}

/** Charts over steps at the left, maps over experts at the right. */
export function Columns({ left, right }: { left: ReactNode; right: ReactNode }) {
  return (
    <div className={styles['columns']}>
      <div>{left}</div>
      <div>{right}</div>
    </div>
  );
}

/** The mixture layer that expert panels show, its row in expert arrays, and the shape of those. */
export function useExpertLayer() {
  const info = useRun((state) => state.info);
  const chosen = useView((view) => view.layer);
  const mixtureLayers = info?.mixtureLayers ?? [];
  const layer = shownMixtureLayer(chosen, mixtureLayers);
  return {
    layer,
    row: mixtureLayers.indexOf(layer),
    mixtureLayers,
    expertCount: info?.expertCount ?? 0,
  };
}

/** Chooses a mixture layer, for all panels. */
export function LayerStepper() {
  const { view } = useLab();
  const { layer, row, mixtureLayers } = useExpertLayer();
  if (mixtureLayers.length === 0) return null;
  const go = (by: number) => {
    const next = mixtureLayers[row + by];
    if (next !== undefined) view.setState({ layer: next });
  };
  return (
    <span className={styles['stepper']}>
      <GhostButton label="Layer above" icon="left" onPress={() => go(-1)} isDisabled={row <= 0} />
      layer <b>{layer}</b>
      <GhostButton
        label="Layer below"
        icon="right"
        onPress={() => go(1)}
        isDisabled={row >= mixtureLayers.length - 1}
      />
    </span>
  );
}
