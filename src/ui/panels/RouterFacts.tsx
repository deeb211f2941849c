/** @file Numbers of the routers that are no map: how even the load is, how sure the choice. */
import type { MetricName } from '@/engine/config/metrics';
import { useRun } from '@/ui/live/hooks';
import { MeasuredAt, MetricTable } from './MetricTable';
import { Caption } from './parts';

const always: readonly MetricName[] = [
  'router.utilisation',
  'router.loadEntropy',
  'router.loadVariation',
  'router.margin',
  'router.globalMaxVio',
];
const withCapacity: readonly MetricName[] = [...always, 'router.recycled'];

const extras = { 'router.globalMaxVio': <MeasuredAt metric="router.globalMaxVio" /> };

export function RouterFacts() {
  const isCapped = useRun((state) => state.now.model.overflow !== 'keep');
  return (
    <>
      <Caption>
        <b>All layers together</b>, as numbers
      </Caption>
      <MetricTable rows={isCapped ? withCapacity : always} extras={extras} />
    </>
  );
}
