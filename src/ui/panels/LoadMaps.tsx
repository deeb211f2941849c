/** @file The right half of the expert-load panel: all layers at the newest step, and domains. */
import { type ReactNode, useCallback, useMemo } from 'react';
import { phaseAt } from '@/engine/config/phases';
import type { DomainInfo, Events } from '@/engine/train/commands';
import { stepAxisEnd } from '@/ui/charts/axis';
import { type CellGeometry, paintCells, putPixels } from '@/ui/charts/cells';
import { ExpertGrid } from '@/ui/charts/ExpertGrid';
import { Spark } from '@/ui/charts/Spark';
import type { Cell } from '@/ui/charts/useGridCursor';
import { formatFixed, formatRough } from '@/ui/format/numbers';
import { Figure, LayerFigure } from '@/ui/live/Figure';
import { useDrawn, useLab, useRun } from '@/ui/live/hooks';
import type { Recorder } from '@/ui/state/recorder';
import { togglePin } from '@/ui/state/view';
import { usePalette } from '@/ui/theme/palette';
import { fairShare, groundOf, historyPoints, shareColor, shareWords } from './expertLoadData';
import styles from './LoadMaps.module.css';
import { Caption, useExpertLayer } from './parts';

/** Rows are lower where there are many. */
const rowHeightFor = (rows: number) => Math.max(6, Math.min(26, Math.floor(190 / rows)));

const readLoad = ({ load, bias, violations, series }: Recorder) => ({
  load,
  bias,
  violations,
  end: stepAxisEnd(series.lastStep),
});

/** Cells of tokens, each row with its own fair share. */
function useSharePainter(
  tokensAt: (row: number, expert: number) => number,
  fairOf: (row: number) => number,
) {
  const palette = usePalette();
  return useCallback(
    (context: CanvasRenderingContext2D, geometry: CellGeometry) => {
      const fair = Array.from({ length: geometry.rows }, (_, row) => fairOf(row));
      const colorOf = (row: number, expert: number) =>
        shareColor(tokensAt(row, expert), fair[row]!);
      const width = geometry.columns * geometry.cellWidth;
      putPixels(context, paintCells(geometry, colorOf, groundOf(palette)), width);
    },
    [tokensAt, fairOf, palette],
  );
}

/** Every mixture layer at the newest step, with its MaxVio. */
export function LayersMap() {
  const { view } = useLab();
  const { layer, mixtureLayers, expertCount } = useExpertLayer();
  const { load, bias, violations, end } = useDrawn(readLoad, 200);
  const tokensAt = useCallback(
    (row: number, expert: number) => load?.counts[row * expertCount + expert] ?? 0,
    [load, expertCount],
  );
  const fairOf = useCallback(
    (row: number) => fairShare(expertCount, (expert) => tokensAt(row, expert)),
    [expertCount, tokensAt],
  );
  const draw = useSharePainter(tokensAt, fairOf);
  const describe = ({ row, column }: Cell) => {
    const tokens = tokensAt(row, column);
    const drift = bias?.bias[row * expertCount + column];
    return [
      `layer ${mixtureLayers[row]}, expert ${column}: ${formatFixed(tokens, 0)} tokens`,
      shareWords(tokens, fairOf(row)),
      drift !== undefined && `bias ${formatRough(drift)}`,
    ]
      .filter(Boolean)
      .join(', ');
  };
  const choose = ({ row, column }: Cell) => {
    if (mixtureLayers[row] === layer) togglePin(view, column);
    else view.setState({ layer: mixtureLayers[row]! });
  };
  return (
    <>
      <Caption aside={<span className={styles['aside']}>MaxVio</span>}>
        <b>All layers</b> at step {formatFixed(load?.step ?? 0, 0)}, <Idle />
      </Caption>
      <ExpertGrid
        label="Tokens of every expert in every layer"
        expertCount={expertCount}
        rowHeight={rowHeightFor(mixtureLayers.length)}
        rows={mixtureLayers.map((index, row) => ({
          key: String(index),
          label: `layer ${index}`,
          isChosen: index === layer,
          aside: load && (
            <Violation
              layer={index}
              load={load}
              row={row}
              spark={<Spark points={historyPoints(violations, row, 60)} end={end} />}
            />
          ),
        }))}
        draw={draw}
        describe={describe}
        onChoose={choose}
      />
    </>
  );
}

function Violation(props: { layer: number; load: Events['load']; row: number; spark: ReactNode }) {
  const { layer, load, row, spark } = props;
  const value = load.maxVio[row] ?? 0;
  return (
    <>
      <span className={styles['spark']}>{spark}</span>
      <LayerFigure
        metric="load.maxVio"
        layer={layer}
        step={load.step}
        value={value}
        text={formatFixed(value, 2)}
      />
    </>
  );
}

/** The two numbers of all layers together. */
const Idle = () => (
  <>
    idle experts <Figure metric="router.deadExperts" />, worst MaxVio{' '}
    <Figure metric="router.maxVio" />
  </>
);

const readDomains = ({ domains }: Recorder) => domains;

/** Which domain's tokens go to which expert, in the shown layer. */
export function DomainsMap() {
  const { view } = useLab();
  const { layer, row: layerRow, expertCount } = useExpertLayer();
  const domains = useRun((state) => state.info?.domains) ?? noDomains;
  const topK = useRun((state) => state.now.model.expertsPerToken);
  const counted = useDrawn(readDomains, 250);
  // A domain keeps its place in the arrays, also where others have no share of any mixture.
  const shown = useMemo(
    () => domains.flatMap((one, place) => (isMixed(one) ? [place] : [])),
    [domains],
  );
  const fairOf = useCallback(
    (row: number) => ((counted?.tokens[shown[row]!] ?? 0) * topK) / Math.max(1, expertCount),
    [counted, shown, topK, expertCount],
  );
  const tokensAt = useCallback(
    (row: number, expert: number) => {
      const place = layerRow * domains.length + shown[row]!;
      return counted?.counts[place * expertCount + expert] ?? 0;
    },
    [counted, shown, layerRow, domains, expertCount],
  );
  const draw = useSharePainter(tokensAt, fairOf);
  const phase = useRun((state) => phaseAt((counted?.step ?? 1) - 1, state.now));
  const describe = ({ row, column }: Cell) => {
    const tokens = tokensAt(row, column);
    return [
      `${domains[shown[row]!]?.label}, expert ${column}: ${formatFixed(tokens, 0)} tokens`,
      shareWords(tokens, fairOf(row)),
    ]
      .filter(Boolean)
      .join(', ');
  };
  return (
    <>
      <Caption aside={<span className={styles['aside']}>of the data</span>}>
        <b>Layer {layer}</b>, which domain goes where
      </Caption>
      <ExpertGrid
        label={`Tokens of every domain in layer ${layer}`}
        expertCount={expertCount}
        rowHeight={22}
        rows={shown.map((place) => domainRow(domains[place]!, phase))}
        draw={draw}
        describe={describe}
        onChoose={({ column }) => togglePin(view, column)}
      />
    </>
  );
}

const isMixed = ({ share, laterShares }: DomainInfo) =>
  share > 0 || laterShares.some((later) => later > 0);

/** A domain with its share of the mixture in the 0-based `phase`. */
const domainRow = ({ id, label, share, laterShares }: DomainInfo, phase: number) => ({
  key: id,
  label,
  aside: `${formatFixed([share, ...laterShares][phase]! * 100, 0)} %`,
});

const noDomains: readonly DomainInfo[] = [];
