/**
 * @file Which variant of a kernel an adapter takes. Ops ask the tuning of their tape while they record; whoever
 * measures fills a table before. All variants that compete sum in one order, so the choice moves no bit, only time:
 * nothing of it has to stand in a link or a checkpoint.
 */

/** What an op wants to know: which variant is fastest for this product on this adapter. */
export interface Question {
  /** The op's name, that of its files. */
  readonly op: string;
  readonly form: string;
  /** Sizes that its time depends on, in an order of the op's own. */
  readonly sides: readonly number[];
}

/** The name of a variant; undefined leaves the choice to the op's own table, which no adapter changes. */
export type Tuning = (question: Question) => string | undefined;

/** Variants by shape class. */
export type TuningTable = Readonly<Record<string, string>>;

/** The same everywhere: what tests record with, and every run that is not to be tuned. */
export const fixedTuning: Tuning = () => undefined;

/**
 * Whether dispatches that do not depend on each other run as one: `JOINED`, or apart. It is asked once for all, of a pair of
 * products M x N x K.
 */
export const joiningQuestion: Question = {
  op: 'together',
  form: 'products',
  sides: [256, 256, 256],
};
export const JOINED = 'joined';

/** Longer sides behave like this one. */
const LONGEST = 4096;

/** A side as the nearest power of four. */
const rounded = (side: number): number =>
  4 ** Math.round(Math.log2(Math.min(LONGEST, Math.max(1, side))) / 2);

/** Products that one measurement speaks for: the same form, and sides that round to the same powers of four. */
export const shapeClass = ({ op, form, sides }: Question): string =>
  `${op} ${form} ${sides.map(rounded).join('x')}`;

/** Answers from a table. */
export const tunedBy =
  (table: TuningTable): Tuning =>
  (question) =>
    table[shapeClass(question)];
