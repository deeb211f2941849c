import { memo, type ReactNode } from 'react';
import { isRotaryLayer, kvOwner } from '@/engine/config/layers';
import type { Settings } from '@/engine/config/settings';
import type { AttentionView } from '@/engine/train/commands';
import { GhostButton } from '@/ui/components/Button';
import { Progress } from '@/ui/components/Progress';
import { Segmented } from '@/ui/components/Segmented';
import { formatFixed, formatShort } from '@/ui/format/numbers';
import { useDrawn, useLab, useRun, useView } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import type { Recorder } from '@/ui/state/recorder';
import styles from './Attention.module.css';
import { AttentionMap } from './AttentionMap';
import { definePanel } from './definePanel';
import { MaskStrip } from './MaskStrip';
import { Caption, Empty } from './parts';

const readAttention = ({ attention }: Recorder) => attention;

function Attention() {
  const view = useDrawn(readAttention, 400);
  const layer = useView((state) => state.layer);
  const head = useView((state) => state.head);
  const sequence = useView((state) => state.sequence);
  const isAsked = view?.layer === layer && view.head === head && view.sequence === sequence;
  return (
    <>
      <Notes place="attention" />
      <MaskStrip view={view?.sequence === sequence ? view : undefined} />
      <div className={styles['columns']}>
        <div>
          <Caption aside={view && isAsked && `step ${formatFixed(view.step, 0)}`}>
            <b>
              Layer {layer}, head {head}
            </b>
            , measured
          </Caption>
          {view && isAsked ? (
            <AttentionMap view={view} />
          ) : (
            <Waiting layer={layer} head={head} isFirst={!view} />
          )}
        </div>
        <div>
          <Heads />
          <Sequence />
          {view && isAsked && <Facts view={view} />}
        </div>
      </div>
    </>
  );
}

function Waiting({ layer, head, isFirst }: { layer: number; head: number; isFirst: boolean }) {
  const phase = useRun((state) => state.phase);
  if (phase === 'training') {
    return (
      <Empty title={`Reading layer ${layer}, head ${head}`}>
        <Progress label="Reading the attention map" share={undefined} />
      </Empty>
    );
  }
  return (
    <Empty title="A map with the next step">
      {isFirst
        ? 'Each row is a token, each column a token that it looks at: the weights of one head on the current batch.'
        : 'This layer and head are measured when the run takes its next step.'}
    </Empty>
  );
}

const Heads = memo(function Heads() {
  const { view } = useLab();
  const headCount = useRun((state) => state.now.model.headCount);
  const head = useView((state) => state.head);
  const heads = Array.from({ length: headCount }, (_, i) => String(i));
  return (
    <>
      <Caption>Head</Caption>
      <Segmented
        label="Head"
        isSmall
        value={String(head)}
        onChange={(value) => view.setState({ head: Number(value) })}
        options={heads.map((value) => ({ value, label: value }))}
      />
    </>
  );
});

const Sequence = memo(function Sequence() {
  const { view } = useLab();
  const count = useRun((state) => state.now.data.batchSequences);
  const sequence = useView((state) => state.sequence);
  const go = (by: number) => view.setState({ sequence: sequence + by });
  return (
    <div className={styles['sequence']}>
      <span>
        sequence {sequence} of {formatFixed(count, 0)}
      </span>
      <GhostButton
        label="Sequence before"
        icon="left"
        onPress={() => go(-1)}
        isDisabled={sequence === 0}
      />
      <GhostButton
        label="Sequence after"
        icon="right"
        onPress={() => go(1)}
        isDisabled={sequence >= count - 1}
      />
    </div>
  );
});

function Facts({ view }: { view: AttentionView }) {
  const model = useRun((state) => state.now.model);
  const owner = kvOwner(model, view.layer);
  const range =
    view.window === undefined ? 'all before it' : `${formatFixed(view.window, 0)} tokens`;
  return (
    <table className={styles['facts']}>
      <tbody>
        <Fact name="sees">{view.isMaskedByDocument ? `${range}, one document` : range}</Fact>
        <Fact name="positions">{positionsOf(model, view.layer)}</Fact>
        <Fact name="key-value head">
          {view.kvHead} of {model.kvHeadCount}
        </Fact>
        {model.kvShare > 1 && (
          <Fact name="keys and values">
            {owner === view.layer ? 'its own' : `of layer ${owner}`}
          </Fact>
        )}
        <Fact name="entropy">
          <Measured view={view} name="entropy" value={view.entropy} digits={2} /> nats
        </Fact>
        <Fact name="mean distance">
          <Measured view={view} name="meanDistance" value={view.meanDistance} digits={1} /> tokens
        </Fact>
      </tbody>
    </table>
  );
}

/** How a layer knows where its tokens stand. */
function positionsOf(model: Settings['model'], layer: number): string {
  if (!isRotaryLayer(model, layer)) return 'none (NoPE)';
  return model.ropeAlpha === 1 ? 'rotary (RoPE)' : `rotary, α ${formatShort(model.ropeAlpha)}`;
}

/** A measured number of the head, with its layer, head and step for whoever reads the page by script. */
function Measured(props: { view: AttentionView; name: string; value: number; digits: number }) {
  const { view, name, value, digits } = props;
  return (
    <span
      data-metric={`attention.${name}`}
      data-layer={view.layer}
      data-head={view.head}
      data-step={view.step}
      data-value={String(value)}
    >
      {formatFixed(value, digits)}
    </span>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <tr>
    <th scope="row">{name}</th>
    <td>{children}</td>
  </tr>
);

export const attention = definePanel({
  id: 'attention',
  title: 'Attention',
  subtitle: 'what each layer may see, and what one head looks at',
  isHalf: true,
  help: [
    'A token looks back only: a local layer sees a window, a global layer everything before it. In Trinity only local layers turn queries and keys by position; the other families turn them everywhere. Where the mask is on, documents packed into one sequence do not see each other.',
    'With cross-layer attention a layer asks with queries of its own, but of the keys and values of an earlier layer, which its picture names.',
    'The map is measured on the batch of the step that it names, brighter for larger weights, on a logarithmic scale from 1/2000 to 1/2.',
  ],
  Body: Attention,
});
