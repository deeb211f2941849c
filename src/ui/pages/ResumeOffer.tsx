import { presetById } from '@/engine/config/presets';
import { Button } from '@/ui/components/Button';
import { Message } from '@/ui/components/Message';
import { formatFixed } from '@/ui/format/numbers';
import { formatAgo } from '@/ui/format/time';
import { useLab, useRun, useStored } from '@/ui/live/hooks';
import { laterChanges } from '@/ui/state/offers';
import { discard, resume } from '@/ui/state/resume';

/** A run that a reload, a crash or a closed tab broke off: quiet, and gone once another one stands. */
export function ResumeOffer() {
  const lab = useLab();
  const offer = useStored((state) => state.offer);
  const isBusy = useStored((state) => state.work !== undefined);
  const isWanted = useRun(({ info, crash }) => info === undefined || crash !== undefined);
  if (!offer || !isWanted) return null;
  const { preset, step, savedAt, loss } = offer;
  const label = presetById(preset)?.label ?? preset;
  const later = laterChanges(offer, lab.address.read())?.length ?? 0;
  return (
    <Message
      title={`The run on ${label} stood at step ${formatFixed(step, 0)}, ${formatAgo(savedAt, Date.now())}`}
      actions={
        <>
          <Button size="small" kind="go" isBusy={isBusy} onPress={() => resume(lab, offer)}>
            Resume
          </Button>
          <Button size="small" isBusy={isBusy} onPress={() => discard(lab)}>
            Discard
          </Button>
        </>
      }
    >
      {loss !== null && `Its loss was ${formatFixed(loss, 3)} nats. `}
      It goes on as if it had never stopped, to the bit on the same adapter.
      {later > 0 &&
        ` ${later === 1 ? 'The change' : `The ${later} changes`} made after that step ${later === 1 ? 'is' : 'are'} not in it.`}
    </Message>
  );
}
