import { useLayoutEffect, useRef } from 'react';

interface CanvasProps {
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** Draws everything anew, in CSS pixels; a new function draws again, so memoise it. */
  readonly draw: (context: CanvasRenderingContext2D) => void;
  /** Pixels of the screen instead of CSS pixels: for text and thin lines. */
  readonly isSharp?: boolean;
  /** Height on the page where it is stretched, CSS pixels. */
  readonly shownHeight?: number;
}

/** A 2D canvas. What it shows is said in words beside it. */
export function Canvas(props: CanvasProps) {
  const { width, height, draw, isSharp = false, shownHeight = height } = props;
  const ref = useRef<HTMLCanvasElement>(null);
  const ratio = isSharp ? Math.max(1, window.devicePixelRatio) : 1;
  useLayoutEffect(() => {
    const context = ref.current?.getContext('2d');
    if (!context || width < 1 || height < 1) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context);
  }, [width, height, ratio, draw]);
  return (
    <canvas
      ref={ref}
      width={Math.max(1, Math.round(width * ratio))}
      height={Math.max(1, Math.round(height * ratio))}
      style={{ width, height: shownHeight }}
    />
  );
}
