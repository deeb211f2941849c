import { useCallback, useMemo } from 'react';
import { isGlobalLayer, kvOwner } from '@/engine/config/layers';
import type { AttentionView } from '@/engine/train/commands';
import { Canvas } from '@/ui/charts/Canvas';
import { putPixels } from '@/ui/charts/cells';
import { useLab, useRun, useView } from '@/ui/live/hooks';
import { classes } from '@/ui/theme/classes';
import { usePalette } from '@/ui/theme/palette';
import { maskPixels } from './attentionPixels';
import styles from './MaskStrip.module.css';
import { Caption } from './parts';

const SIDE = 44;

/** What each layer may see, for the sequence on view; a layer is chosen by its picture. */
export function MaskStrip({ view }: { view: AttentionView | undefined }) {
  const lab = useLab();
  const model = useRun((state) => state.now.model);
  const data = useRun((state) => state.now.data);
  const layer = useView((state) => state.layer);
  const palette = usePalette();
  const documents = data.intraDocumentMask ? view?.documents : undefined;
  const size = view?.size ?? data.contextLength;
  const pixels = useMemo(() => {
    const colors = { none: palette.none, seen: palette.c1 };
    return {
      local: maskPixels(size, SIDE, { window: model.window, documents }, colors),
      global: maskPixels(size, SIDE, { window: undefined, documents }, colors),
    };
  }, [size, documents, model.window, palette]);
  return (
    <>
      <Caption>
        <b>Masks</b> {describeSequence(view, data.intraDocumentMask)}
      </Caption>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot scroll sideways. */}
      <div className={styles['strip']} role="group" aria-label="Layer">
        {Array.from({ length: model.layerCount }, (_, index) => {
          const kind = isGlobalLayer(model, index) ? 'global' : 'local';
          return (
            <MaskButton
              // biome-ignore lint/suspicious/noArrayIndexKey: a layer is its index.
              key={index}
              index={index}
              kind={kind}
              keysOf={kvOwner(model, index)}
              pixels={pixels[kind]}
              isChosen={index === layer}
              onChoose={() => lab.view.setState({ layer: index })}
            />
          );
        })}
      </div>
    </>
  );
}

function describeSequence(view: AttentionView | undefined, isMasked: boolean): string {
  if (!view) return 'of one sequence; document borders come with the first measured map';
  const count = new Set(view.documents).size;
  const documents = `${count} packed ${count === 1 ? 'document' : 'documents'}`;
  return `of sequence ${view.sequence}: ${documents}${isMasked ? '' : ', not masked'}`;
}

function MaskButton(props: {
  index: number;
  kind: 'local' | 'global';
  /** The layer whose keys and values it uses. */
  keysOf: number;
  pixels: Uint32Array<ArrayBuffer>;
  isChosen: boolean;
  onChoose: () => void;
}) {
  const { index, kind, keysOf, pixels, isChosen } = props;
  const isSharing = keysOf !== index;
  const draw = useCallback(
    (context: CanvasRenderingContext2D) => putPixels(context, pixels, SIDE),
    [pixels],
  );
  return (
    <button
      type="button"
      className={classes(styles['layer'], isChosen && styles['chosen'])}
      aria-label={`Layer ${index}, ${kind}${isSharing ? `, keys of layer ${keysOf}` : ''}`}
      aria-pressed={isChosen}
      onClick={props.onChoose}
    >
      <Canvas width={SIDE} height={SIDE} draw={draw} />
      <b>{index}</b>
      {kind}
      {isSharing && <span>keys of {keysOf}</span>}
    </button>
  );
}
