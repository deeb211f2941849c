import { presetById } from '@/engine/config/presets';
import { Button } from '@/ui/components/Button';
import { formatBytes } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { discardDraft, draftedPaths } from '@/ui/state/experiments';
import type { RunState } from '@/ui/state/run';
import { newRun } from '@/ui/state/transport';
import styles from './DraftFoot.module.css';
import { complaintsOf } from './RunSettings';

/** What waits for a new run, what it would take, and the two ways on. */
export function DraftFoot() {
  const lab = useLab();
  const draft = useRun((state) => state.draft);
  const words = useRun(describeDraft);
  const isTextMissing = useRun(
    (state) => (state.draft?.values.data.ownTextWeight ?? 0) > 0 && !state.ownText,
  );
  if (!draft) return null;
  const isPossible =
    complaintsOf(draft.values).length === 0 &&
    draft.plan !== undefined &&
    draft.plan.refusal === undefined &&
    !isTextMissing;
  return (
    <div className={styles['foot']}>
      <span>
        {words}
        {isTextMissing && '; add your text first'}
      </span>
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
