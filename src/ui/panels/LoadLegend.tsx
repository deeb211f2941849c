import { useCallback } from 'react';
import { Canvas } from '@/ui/charts/Canvas';
import { putPixels } from '@/ui/charts/cells';
import { LOAD_SPAN, loadColor, pixelOf } from '@/ui/theme/scales';
import styles from './LoadLegend.module.css';

const WIDTH = 120;
const HEIGHT = 8;

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
        <span>¼</span>
        <span>½</span>
        <span>1 ×</span>
        <span>2</span>
        <span>4</span>
      </span>
    </span>
  );
}
