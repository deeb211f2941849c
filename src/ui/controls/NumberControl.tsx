import { useId, useState } from 'react';
import { Input, Label, NumberField, TextField } from 'react-aria-components';
import type { Value } from '@/engine/config/field';
import { formatShort, parseNumber } from '@/ui/format/numbers';
import styles from './Setting.module.css';

interface NumberControlProps {
  readonly label: string;
  readonly unit: string;
  readonly value: number;
  /** Told a number, in or out of range: the message says what is wanted. */
  readonly onChange: (value: Value) => void;
  readonly isWrong: boolean;
  /** Id of the help under it. */
  readonly helpId: string;
}

/** A whole number, written as the visitor's language writes it. */
export function IntControl(props: NumberControlProps) {
  const { label, unit, value, onChange, isWrong, helpId } = props;
  return (
    <NumberField
      className={styles['row'] ?? ''}
      value={value}
      onChange={(next) => {
        if (!Number.isNaN(next)) onChange(next);
      }}
      formatOptions={{ maximumFractionDigits: 0 }}
      isInvalid={isWrong}
      aria-describedby={helpId}
    >
      <Label>{label}</Label>
      <span className={styles['field']}>
        <Input />
        <span className={styles['unit']}>{unit}</span>
      </span>
    </NumberField>
  );
}

/** A number of any size: takes 5e-4 as well as 0.0005. */
export function FloatControl(props: NumberControlProps) {
  const { label, unit, value, onChange, isWrong, helpId } = props;
  const [draft, setDraft] = useState<string>();
  const labelId = useId();
  const commit = () => {
    const parsed = draft === undefined ? undefined : parseNumber(draft);
    setDraft(undefined);
    if (parsed !== undefined && parsed !== value) onChange(parsed);
  };
  return (
    <TextField
      className={styles['row'] ?? ''}
      value={draft ?? formatShort(value)}
      onChange={setDraft}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
        if (event.key === 'Escape') setDraft(undefined);
      }}
      inputMode="decimal"
      isInvalid={isWrong || (draft !== undefined && parseNumber(draft) === undefined)}
      aria-describedby={helpId}
    >
      <Label id={labelId}>{label}</Label>
      <span className={styles['field']}>
        <Input spellCheck={false} autoComplete="off" />
        <span className={styles['unit']}>{unit}</span>
      </span>
    </TextField>
  );
}
