/**
 * @file The frame of every time chart: step axis, gutters, crosshair, markers of live changes. What
 * is drawn inside is its child's business. The frame is a slider over the steps, so the keyboard
 * moves the crosshair of all charts at once.
 */
import {
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
  useContext,
  useRef,
  useSyncExternalStore,
} from 'react';
import { formatFixed } from '@/ui/format/numbers';
import { EnlargedContext, useLab } from '@/ui/live/hooks';
import { classes } from '@/ui/theme/classes';
import { ticksBetween } from './axis';
import { useGutters } from './gutters';
import { Markers } from './Markers';
import styles from './TimeFrame.module.css';
import { useWidth } from './useSize';

/** A value at a step, written in the right gutter at its height. */
export interface GutterLabel {
  readonly text: string;
  /** CSS colour. */
  readonly color: string;
  /** Share of the height, from the top. */
  readonly top: number;
}

/** A tick of the value axis at its share of the height. */
export interface ValueTick {
  readonly text: string;
  readonly top: number;
}

interface TimeFrameProps {
  readonly label: string;
  readonly height: number;
  /** Last step of the axis. */
  readonly end: number;
  readonly ticks: readonly ValueTick[];
  /** Labels while no crosshair is shown. */
  readonly endLabels: readonly GutterLabel[];
  /** Labels at a step. */
  readonly labelsAt: (step: number) => readonly GutterLabel[];
  /** Whether markers carry their names at the top. */
  readonly hasMarkerNames?: boolean;
  readonly hasGrid?: boolean;
  /** The plot, in whole pixels. */
  readonly children: (width: number, height: number) => ReactNode;
  /** Told where the pointer is, as shares of the plot; undefined when it leaves. */
  readonly onPoint?: (at: { x: number; y: number } | undefined) => void;
}

/** How much higher charts are in an enlarged panel. */
const ENLARGED = 1.75;

/** With the axis of steps under it. */
export const frameHeight = (height: number): number => height + 24;

export function TimeFrame(given: TimeFrameProps) {
  const isEnlarged = useContext(EnlargedContext);
  const props = { ...given, height: Math.round(given.height * (isEnlarged ? ENLARGED : 1)) };
  const { height, end, ticks } = props;
  const gutters = useGutters();
  const [ref, width] = useWidth<HTMLDivElement>();
  const plotWidth = Math.max(0, width - gutters.left - gutters.right);
  return (
    <div ref={ref} className={styles['frame']} style={{ height: frameHeight(height) }}>
      {plotWidth > 0 && (
        <>
          {ticks.map(({ text, top }) => (
            <span
              key={text}
              className={styles['tick']}
              style={{ top: top * height, width: gutters.left - 8 }}
            >
              {text}
            </span>
          ))}
          <Plot {...props} left={gutters.left} width={plotWidth} />
          <StepAxis end={end} left={gutters.left} width={plotWidth} top={height} />
          <Gutter {...props} left={gutters.left + plotWidth} />
        </>
      )}
    </div>
  );
}

function Plot(props: TimeFrameProps & { left: number; width: number }) {
  const { label, height, end, ticks, left, width } = props;
  const { crosshair, recorder, announcer } = useLab();
  const ref = useRef<HTMLDivElement>(null);
  const step = useSyncExternalStore(
    (listener) => crosshair.subscribe(listener),
    () => crosshair.step,
  );
  const last = recorder.series.lastStep;
  const move = (to: number) => crosshair.move(Math.min(last, Math.max(0, Math.round(to))));
  const onPointerMove = ({ clientX, clientY }: PointerEvent) => {
    const box = ref.current?.getBoundingClientRect();
    if (!box) return;
    move(((clientX - box.left) / width) * end);
    props.onPoint?.({ x: (clientX - box.left) / width, y: (clientY - box.top) / height });
  };
  const leave = () => {
    crosshair.move(undefined);
    props.onPoint?.(undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = stepAfterKey(event.key, step ?? last, last);
    if (to === 'leave') crosshair.move(undefined);
    else if (to !== undefined) move(to);
    else return;
    event.preventDefault();
    announcer.say(describe(props, crosshair.step ?? last));
  };
  return (
    <div className={styles['plot']} style={{ left, width, height }}>
      <div
        ref={ref}
        className={styles['slider']}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={step ?? last}
        aria-valuetext={describe(props, step ?? last)}
        onPointerMove={onPointerMove}
        onPointerLeave={leave}
        onKeyDown={onKeyDown}
        onBlur={leave}
      >
        {props.hasGrid !== false && <Grid ticks={ticks} height={height} />}
        <div className={styles['drawing']}>{props.children(width, height)}</div>
        {step !== undefined && (
          <i className={styles['cross']} style={{ left: (step / end) * width }}>
            <span>{formatFixed(step, 0)}</span>
          </i>
        )}
      </div>
      <Markers end={end} width={width} hasNames={props.hasMarkerNames ?? false} />
    </div>
  );
}

const Grid = ({ ticks, height }: { ticks: readonly ValueTick[]; height: number }) =>
  ticks.map(({ text, top }) => (
    <i key={text} className={styles['grid']} style={{ top: Math.round(top * height) }} />
  ));

/** Where a key moves the crosshair; undefined for keys that do not. */
function stepAfterKey(key: string, step: number, last: number): number | 'leave' | undefined {
  const stride = Math.max(1, Math.round(last / 100));
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return step - stride;
    case 'ArrowRight':
    case 'ArrowUp':
      return step + stride;
    case 'PageDown':
      return step - 10 * stride;
    case 'PageUp':
      return step + 10 * stride;
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'Escape':
      return 'leave';
    default:
      return undefined;
  }
}

function describe({ labelsAt }: TimeFrameProps, step: number): string {
  const values = labelsAt(step).map(({ text }) => text);
  return [`step ${formatFixed(step, 0)}`, ...values].join(', ');
}

function StepAxis(props: { end: number; left: number; width: number; top: number }) {
  const { end, left, width, top } = props;
  const ticks = ticksBetween(0, end, Math.max(2, width / 90)).filter(Number.isInteger);
  return (
    <div className={styles['steps']} style={{ left, width, top }} aria-hidden="true">
      {ticks.map((tick) => (
        <span key={tick} style={{ left: (tick / end) * width }}>
          {formatFixed(tick, 0)}
        </span>
      ))}
      <em>step</em>
    </div>
  );
}

/** Least distance of two labels in the gutter, in pixels. */
const LABEL_HEIGHT = 14;

function Gutter(props: TimeFrameProps & { left: number }) {
  const { crosshair } = useLab();
  const step = useSyncExternalStore(
    (listener) => crosshair.subscribe(listener),
    () => crosshair.step,
  );
  const labels = step === undefined ? props.endLabels : props.labelsAt(step);
  const placed = apart(
    labels.map((label) => ({ ...label, at: label.top * props.height })),
    props.height,
  );
  return (
    <div className={styles['gutter']} style={{ left: props.left }} aria-hidden="true">
      {placed.map(({ text, color, at }) => (
        <span
          key={`${text}${color}`}
          className={classes(styles['value'])}
          style={{ top: at, color }}
        >
          {text}
        </span>
      ))}
    </div>
  );
}

/** Moves labels down where they would lie on each other, then up where the last ones fell out. */
function apart<T extends { readonly at: number }>(labels: readonly T[], height: number): T[] {
  const sorted = [...labels].sort((a, b) => a.at - b.at);
  const placed: T[] = [];
  for (const label of sorted) {
    const above = placed.at(-1);
    placed.push(above ? { ...label, at: Math.max(label.at, above.at + LABEL_HEIGHT) } : label);
  }
  let floor = height;
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i] = { ...placed[i]!, at: Math.min(placed[i]!.at, floor) };
    floor = placed[i]!.at - LABEL_HEIGHT;
  }
  return placed;
}
