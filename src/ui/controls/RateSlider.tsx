import { useState } from 'react';
import { Slider, SliderThumb, SliderTrack } from 'react-aria-components';
import { formatShort } from '@/ui/format/numbers';
import styles from './Setting.module.css';

interface RateSliderProps {
  readonly label: string;
  readonly value: number;
  /** Powers of ten at the ends. */
  readonly low: number;
  readonly high: number;
  /** Told once, when the thumb is let go: a run gets one change, not a hundred. */
  readonly onChange: (value: number) => void;
}

/** A tenth of a power of ten: enough steps to find a rate, few enough to land on one. */
const STEP = 0.1;

/** Two digits that count. */
const tidied = (power: number) => Number((10 ** power).toPrecision(2));

/** A rate on a logarithmic scale. */
export function RateSlider({ label, value, low, high, onChange }: RateSliderProps) {
  const [held, setHeld] = useState<number>();
  const power = held ?? Math.min(high, Math.max(low, value > 0 ? Math.log10(value) : low));
  const at = `${((power - low) / (high - low)) * 100}%`;
  return (
    <Slider
      className={styles['slider'] ?? ''}
      aria-label={`${label}, log scale`}
      minValue={low}
      maxValue={high}
      step={STEP}
      value={power}
      onChange={(next) => setHeld(next as number)}
      onChangeEnd={(next) => {
        setHeld(undefined);
        onChange(tidied(next as number));
      }}
    >
      <SliderTrack className={styles['track'] ?? ''} style={{ '--at': at } as React.CSSProperties}>
        <SliderThumb className={styles['thumb'] ?? ''} aria-label={`${label}, log scale`} />
      </SliderTrack>
      <div className={styles['ends']} aria-hidden="true">
        <span>{formatShort(10 ** low)}</span>
        <span>{held === undefined ? '' : formatShort(tidied(held))}</span>
        <span>{formatShort(10 ** high)}</span>
      </div>
    </Slider>
  );
}
