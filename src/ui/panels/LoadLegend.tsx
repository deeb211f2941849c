import { useCallback } from 'react';
import { Canvas } from '@/ui/charts/Canvas';
import { putPixels } from '@/ui/charts/cells';
import { LOAD_SPAN, loadColor, pixelOf } from '@/ui/theme/scales';
import styles from './LoadLegend.module.css';

const WIDTH = 120;
const HEIGHT = 8;
/** Where the ramp begins: after the sign for none. */
const RAMP_LEFT = 34;

const marks = [
  [0.25, '¼'],
  [0.5, '½'],
  [1, '1 ×'],
  [2, '2'],
  [4, '4'],
] as const;

/** −1 at the low end of the scale, 1 at the high one. */
const positionOf = (share: number) => Math.log2(share) / Math.log2(LOAD_SPAN);

/** The load scale: viridis, log2, the fair share in the middle. */
export function LoadLegend() {
  const draw = useCallback((context: CanvasRenderingContext2D) => {
    const pixels = new Uint32Array(WIDTH * HEIGHT);
    for (let i = 0; i < pixels.length; i++) {
      const position = ((i % WIDTH) / (WIDTH - 1)) * 2 - 1;
      pixels[i] = pixelOf(loadColor(LOAD_SPAN ** position));
    }
    putPixels(context, pixels, WIDTH);
  }, []);
  return (
    <span className={styles['legend']}>
      <i className={styles['none']} />
      <span className={styles['ramp']}>
        <Canvas width={WIDTH} height={HEIGHT} draw={draw} />
      </span>
      <span className={styles['words']} aria-hidden="true">
        <span>none</span>
        {marks.map(([share, text]) => (
          <span key={text} style={{ left: RAMP_LEFT + ((positionOf(share) + 1) / 2) * WIDTH }}>
            {text}
          </span>
        ))}
      </span>
    </span>
  );
}
