/** @file What a run costs before it starts: parameters, operations, memory, and what generation keeps. */
import type { ReactNode } from 'react';
import type { Settings } from '@/engine/config/settings';
import type { Plan } from '@/engine/train/commands';
import { formatBytes, formatCount, formatFixed } from '@/ui/format/numbers';
import { useRun } from '@/ui/live/hooks';
import { formValues } from '@/ui/state/draft';
import styles from './RunPlan.module.css';
import { Section } from './Section';

/** The exact sizes of the draft where there is one, of the run otherwise. */
export function RunPlan() {
  const plan = useRun((state) => state.draft?.plan ?? state.plan);
  const isDraft = useRun((state) => state.draft?.plan !== undefined);
  const values = useRun(formValues);
  if (!plan) return null;
  return (
    <Section title="Plan" aside={isDraft ? 'of the new run' : 'exact, before the run'}>
      <Model plan={plan} />
      <Memory plan={plan} />
      <Cache plan={plan} values={values} />
    </Section>
  );
}

/** Counts in short, whole in the title. */
function Model({ plan }: { plan: Plan }) {
  const { parameterCount, activeParameterCount, flopsPerToken, tokensPerStep } = plan;
  const stepOperations = flopsPerToken.training * tokensPerStep;
  return (
    <Table>
      <Row name="parameters" title={formatFixed(parameterCount, 0)}>
        {formatCount(parameterCount)}
      </Row>
      <Row name="active for a token" title={formatFixed(activeParameterCount, 0)}>
        {formatCount(activeParameterCount)}
      </Row>
      <Row name="forward, a token" title={formatFixed(flopsPerToken.forward, 0)}>
        {formatCount(flopsPerToken.forward)} FLOP
      </Row>
      <Row name="training, a token" title={formatFixed(flopsPerToken.training, 0)}>
        {formatCount(flopsPerToken.training)} FLOP
      </Row>
      <Row
        name={`a step, ${formatFixed(tokensPerStep, 0)} tokens`}
        title={formatFixed(stepOperations, 0)}
      >
        {formatCount(stepOperations)} FLOP
      </Row>
    </Table>
  );
}

function Memory({ plan: { bytes } }: { plan: Plan }) {
  const rows = [
    ['weights', bytes.weights],
    ['gradients', bytes.gradients],
    ['optimizer', bytes.optimizer],
    ['activations', bytes.activations],
    ['batches, router, read-back', bytes.other],
  ] as const;
  return (
    <Table caption="Memory for training">
      {rows.map(([name, size]) => (
        <Bytes key={name} name={name} size={size} />
      ))}
      <Bytes name="total" size={bytes.total} isSum />
    </Table>
  );
}

/** Keys and values in bf16, as papers count them. */
function Cache({ plan: { kvCache }, values }: { plan: Plan; values: Settings }) {
  const { contextLength } = values.data;
  return (
    <Table caption="Keys and values of a text, bf16">
      <Bytes name="a token" size={kvCache.bytesPerToken} />
      <Bytes
        name={`beyond every window${kvCache.growingBytesPerToken === 0 ? ' (all local)' : ''}`}
        size={kvCache.growingBytesPerToken}
      />
      <Bytes
        name={`at ${formatFixed(contextLength, 0)} tokens`}
        size={kvCache.contextBytes}
        isSum
      />
    </Table>
  );
}

const Table = ({ caption, children }: { caption?: string; children: ReactNode }) => (
  <table className={styles['plan']}>
    {caption && <caption>{caption}</caption>}
    <tbody>{children}</tbody>
  </table>
);

const Bytes = (props: { name: string; size: number; isSum?: boolean }) => (
  <Row {...props} title={`${formatFixed(props.size, 0)} bytes`}>
    {formatBytes(props.size)}
  </Row>
);

const Row = (props: { name: string; title: string; isSum?: boolean; children: ReactNode }) => (
  <tr className={props.isSum ? styles['sum'] : undefined}>
    <th scope="row">{props.name}</th>
    <td title={props.title}>{props.children}</td>
  </tr>
);
