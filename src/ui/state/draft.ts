/** @file What the form holds, and what is wrong with it. */
import { type Complaint, complaints } from '@/engine/config/rules';
import type { SettingPath, Settings } from '@/engine/config/settings';
import { withLabels } from '@/ui/format/settings';
import { lacksText, type RunState } from './run';

/** Values of the form: the draft's, or the running ones. */
export const formValues = ({ draft, now }: RunState): Settings => draft?.values ?? now;

const found = new WeakMap<Settings, readonly Complaint[]>();

/** Every row asks after every change of the page's state: the same values are checked once. */
export function complaintsOf(values: Settings): readonly Complaint[] {
  const known = found.get(values) ?? complaints(values);
  found.set(values, known);
  return known;
}

/** Why the drafted value of a row cannot be; told also at another row that the reason names. */
export function complaintAbout({ draft }: RunState, path: SettingPath): string | undefined {
  if (!draft) return undefined;
  const all = complaintsOf(draft.values);
  const own = all.find((complaint) => complaint.path === path);
  if (own) return withLabels(own.message);
  const other = all.find(({ message }) => namesIn(message).includes(path));
  return other && complaintWords(other);
}

/** `Key-value heads: 3 does not divide Query heads (4)`. */
export const complaintWords = ({ path, message }: Complaint): string =>
  `${withLabels(path)}: ${withLabels(message)}`;

const namesIn = (message: string): string[] => message.match(/\b[a-z]\w*\.[a-z]\w*/g) ?? [];

/** Whether a draft can be started: nothing is wrong with it, it fits, and its text is here. */
export const isStartable = (state: RunState): boolean =>
  state.draft?.plan !== undefined &&
  state.draft.plan.refusal === undefined &&
  complaintsOf(state.draft.values).length === 0 &&
  !lacksText(state, state.draft.values);
