/** @file What the visitor must know before the panels: links, failures, a device that came back. */
import { layered } from '@/engine/config/experiment';
import { presetById } from '@/engine/config/presets';
import { settingRows, valueAt } from '@/engine/config/settings';
import { Button } from '@/ui/components/Button';
import { Message } from '@/ui/components/Message';
import { formatBytes, formatCount, formatFixed } from '@/ui/format/numbers';
import { changeWords, valueWords } from '@/ui/format/settings';
import { useLab, useRun, useStored } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import { draftValue } from '@/ui/state/experiments';
import { isTextMissing } from '@/ui/state/run';
import { ResumeOffer } from './ResumeOffer';
import styles from './Situation.module.css';

export const Situation = () => (
  <div className={styles['situation']}>
    <Crash />
    <ResumeOffer />
    <Imported />
    <Failed />
    <Recovered />
    <Notes place="page" />
    <MissingText />
    <LinkSummary />
  </div>
);

/** The way on is where Play was: in the bar above. */
function Crash() {
  const crash = useRun((state) => state.crash);
  const offer = useStored((state) => state.offer);
  if (crash === undefined) return null;
  const since = offer ? `step ${formatFixed(offer.step, 0)}` : 'the start';
  return (
    <Message title="The engine broke off" isError>
      What was trained since {since} is lost. The experiment is in the address: Start again, in the
      bar above, prepares it from step 0. <code>{crash}</code>
    </Message>
  );
}

/** Weights of somebody's, which the address cannot hold. */
function Imported() {
  const isImported = useRun((state) => state.info?.isImported ?? false);
  if (!isImported) return null;
  return (
    <Message title="These weights came from files">
      No link can make this run again: the address holds its settings only. To share it, download it
      under Checkpoints.
    </Message>
  );
}

function Failed() {
  const failure = useRun((state) => state.failure);
  if (!failure) return null;
  const { name, message, step, tensor, checkpointStep } = failure;
  const isNotFinite = name === 'NotFiniteError';
  const where = formatFixed(step, 0);
  return (
    <Message
      title={
        isNotFinite
          ? `Stopped at step ${where}: the loss is not a number`
          : `Stopped at step ${where}`
      }
      isError
    >
      {tensor && (
        <>
          First in <code>{tensor}</code>.{' '}
        </>
      )}
      {message}{' '}
      {checkpointStep === undefined
        ? 'Start again, in the bar above, goes back to step 0.'
        : `The bar above goes back to the copy of step ${formatFixed(checkpointStep, 0)}.`}
      {isNotFinite && ' Lower a rate before you play on.'}
    </Message>
  );
}

function Recovered() {
  const lab = useLab();
  const recovery = useRun((state) => state.recovery);
  if (!recovery) return null;
  const { lostAt, resumedAt, reason } = recovery;
  const again = lostAt - resumedAt;
  return (
    <Message
      title={`The driver took the device back at step ${formatFixed(lostAt, 0)}`}
      actions={
        <Button size="small" onPress={() => lab.run.setState({ recovery: undefined })}>
          Close
        </Button>
      }
    >
      Training goes on from the copy of step {formatFixed(resumedAt, 0)}
      {again > 0 &&
        `, so ${again === 1 ? 'one step is' : `${formatFixed(again, 0)} steps are`} done twice`}
      .{reason && ` The driver said: ${reason}.`}
    </Message>
  );
}

/** A link asks for a text that it cannot carry. */
function MissingText() {
  const lab = useLab();
  const isMissing = useRun(isTextMissing);
  if (!isMissing) return null;
  return (
    <Message
      title="This experiment reads a text of its author’s"
      actions={
        <Button size="small" onPress={() => draftValue(lab, 'data.ownTextWeight', 0)}>
          Draft it without that text
        </Button>
      }
    >
      A link never holds anybody’s text. Add the same text under Data first, or leave it out; then
      it can play.
    </Message>
  );
}

/** What a link is, before it plays. */
function LinkSummary() {
  const isShown = useRun((state) => state.isFromLink && state.info === undefined);
  const plan = useRun((state) => state.plan);
  const experiment = useRun((state) => state.experiment);
  const isTextless = useRun(isTextMissing);
  const preset = presetById(experiment.preset);
  if (!isShown || !preset) return null;
  const base = layered(preset, {});
  const values = layered(preset, experiment.changes);
  const changed = settingRows.filter(([path]) => valueAt(values, path) !== valueAt(base, path));
  return (
    <Message title={`A link to an experiment on ${preset.label}`}>
      {plan &&
        `${formatCount(plan.parameterCount)} parameters, ${formatCount(plan.activeParameterCount)} active for a token, ${formatBytes(plan.bytes.total)} of memory. `}
      {changed.length + experiment.timeline.length === 0
        ? 'It changes nothing against the preset. '
        : 'Against the preset it changes: '}
      <ul className={styles['changes']}>
        {changed.map(([path, field]) => (
          <li key={path}>
            {field.label}: {valueWords(valueAt(base, path))} to{' '}
            <b>{valueWords(valueAt(values, path))}</b>
          </li>
        ))}
        {experiment.timeline.map((change) => (
          <li key={`${change.step} ${change.path}`}>
            at step {formatFixed(change.step, 0)}: {changeWords(change)}
          </li>
        ))}
      </ul>
      {plan?.refusal && 'It does not fit here; see Preset.'}
      {!plan?.refusal && !isTextless && 'It waits for Play.'}
    </Message>
  );
}
