import { presetById } from '@/engine/config/presets';
import { Button } from '@/ui/components/Button';
import { formatBytes } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { complaintsOf, complaintWords, isStartable } from '@/ui/state/draft';
import { discardDraft, draftedPaths } from '@/ui/state/experiments';
import { lacksText, type RunState } from '@/ui/state/run';
import { newRun } from '@/ui/state/transport';
import styles from './DraftFoot.module.css';

/** What waits for a new run, what it would take, and the two ways on. */
export function DraftFoot() {
  const lab = useLab();
  const isDrafted = useRun((state) => state.draft !== undefined);
  const words = useRun(describeDraft);
  const problem = useRun(problemOf);
  const isPossible = useRun(isStartable);
  if (!isDrafted) return null;
  return (
    <div className={styles['foot']}>
      {problem && <p role="status">{problem}</p>}
      <span>{words}</span>
      <Button size="small" onPress={() => discardDraft(lab)}>
        Discard
      </Button>
      <Button size="small" kind="go" isDisabled={!isPossible} onPress={() => newRun(lab)}>
        New run
      </Button>
    </div>
  );
}

function describeDraft(state: RunState): string {
  const { draft, experiment } = state;
  if (!draft) return '';
  const count = draftedPaths(state).length;
  const what =
    draft.preset === experiment.preset
      ? `${count} ${count === 1 ? 'change' : 'changes'}`
      : (presetById(draft.preset)?.label ?? draft.preset);
  return draft.plan ? `${what}, ${formatBytes(draft.plan.bytes.total)}` : what;
}

/** Why the draft cannot start, where its rows may be folded away. */
function problemOf(state: RunState): string | undefined {
  const { draft } = state;
  if (!draft) return undefined;
  const [complaint] = complaintsOf(draft.values);
  if (complaint) return complaintWords(complaint);
  return lacksText(state, draft.values)
    ? 'Your text: the mixture reads it; add it first'
    : undefined;
}
