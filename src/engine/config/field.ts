/**
 * @file The kinds of setting. A row of the settings table is one of these; the TypeScript type, the
 * check, the form control, the link and the generated docs all come from the row.
 */

interface FieldBase {
  /** What the form calls it, sentence case. */
  readonly label: string;
  /** One line for a person: what it does, and what moves when it grows. */
  readonly help: string;
  /** Where the mechanism or the default comes from. */
  readonly source?: string;
  /** A live field takes effect at the next step of a running run; any other starts a new run. */
  readonly live?: true;
}

export interface IntField extends FieldBase {
  readonly kind: 'int';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

export interface FloatField extends FieldBase {
  readonly kind: 'float';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** Drawn and stepped on a logarithmic scale. */
  readonly log?: true;
}

export interface ChoiceField<T extends string = string> extends FieldBase {
  readonly kind: 'choice';
  readonly default: T;
  readonly options: readonly T[];
  /** One line for each option, shown when it is chosen. */
  readonly optionHelp?: Readonly<Record<T, string>>;
}

export interface BoolField extends FieldBase {
  readonly kind: 'bool';
  readonly default: boolean;
}

export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly default: string;
  /** Longest text in UTF-16 units. */
  readonly maxLength: number;
}

export type Field = IntField | FloatField | ChoiceField | BoolField | TextField;
export type Value = number | string | boolean;

export const int = (field: Omit<IntField, 'kind'>): IntField => ({ kind: 'int', ...field });
export const float = (field: Omit<FloatField, 'kind'>): FloatField => ({ kind: 'float', ...field });
export const bool = (field: Omit<BoolField, 'kind'>): BoolField => ({ kind: 'bool', ...field });
export const text = (field: Omit<TextField, 'kind'>): TextField => ({ kind: 'text', ...field });
export const choice = <const T extends string>(
  options: readonly T[],
  field: Omit<ChoiceField<T>, 'kind' | 'options' | 'default'> & { default: NoInfer<T> },
): ChoiceField<T> => ({ kind: 'choice', options, ...field });

/** Why `value` cannot stand in `field`, in words for a person; undefined when it can. */
export function refusal(field: Field, value: unknown): string | undefined {
  switch (field.kind) {
    case 'int':
    case 'float':
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'want a number';
      if (field.kind === 'int' && !Number.isInteger(value)) return 'want a whole number';
      if (value < field.min || value > field.max) return `want ${field.min} to ${field.max}`;
      return undefined;
    case 'bool':
      return typeof value === 'boolean' ? undefined : 'want true or false';
    case 'text':
      if (typeof value !== 'string') return 'want a text';
      return value.length <= field.maxLength
        ? undefined
        : `want at most ${field.maxLength} letters`;
    case 'choice':
      return field.options.includes(value as string)
        ? undefined
        : `want one of ${field.options.join(', ')}`;
  }
}
