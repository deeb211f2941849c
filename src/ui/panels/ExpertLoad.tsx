import { Gradually } from '@/ui/components/Gradually';
import { useRun } from '@/ui/live/hooks';
import { definePanel } from './definePanel';
import { LoadHistory, ViolationLines } from './LoadHistory';
import { LoadLegend } from './LoadLegend';
import { DomainsMap, LayersMap } from './LoadMaps';
import { Columns, Empty, LayerStepper } from './parts';
import { RouterFacts } from './RouterFacts';

function ExpertLoad() {
  const info = useRun((state) => state.info);
  if (!info) {
    return (
      <Empty title="Loads from the first step on">
        One row an expert, one column a step: how many tokens it received, against its fair share.
      </Empty>
    );
  }
  if (info.mixtureLayers.length === 0) {
    return <Empty title="This model has no experts">Every layer of it is dense.</Empty>;
  }
  return (
    <Columns
      left={
        <Gradually>
          <LoadHistory />
          <ViolationLines />
        </Gradually>
      }
      right={
        <Gradually>
          <LayersMap />
          <DomainsMap />
          <RouterFacts />
        </Gradually>
      }
    />
  );
}

const Tools = () => (
  <>
    <LoadLegend />
    <LayerStepper />
  </>
);

export const expertLoad = definePanel({
  id: 'expert-load',
  title: 'Expert load',
  subtitle: 'tokens an expert receives, as a multiple of its fair share',
  help: [
    'The router sends each token to a few experts. When all get the same number of tokens, every cell has the middle colour; hatched cells got none.',
    'MaxVio is the busiest expert’s tokens above the mean, divided by the mean: 0 is a perfect balance.',
    'Utilisation, entropy and variation say in one number each how even the load is. The selection margin says how sure the choice is: near 0, a small push sends a token elsewhere. Global MaxVio is that of all held-out text together.',
    'Choose a layer by its row. Choose a cell of the chosen layer, or press Enter on it, to pin that expert in every panel: up to four.',
  ],
  Tools,
  Body: ExpertLoad,
});
