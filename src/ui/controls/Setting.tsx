/** @file One row of the settings table as a control: what it is, its unit, its help, its source. */
import { useId, useState } from 'react';
import { Input, Label, Switch, TextField } from 'react-aria-components';
import type { ChoiceField, Field, Value } from '@/engine/config/field';
import { fieldAt, type SettingPath } from '@/engine/config/settings';
import { Segmented } from '@/ui/components/Segmented';
import { formatShort } from '@/ui/format/numbers';
import { optionLabel, valueWords } from '@/ui/format/settings';
import { sourceUrl } from '@/ui/format/sources';
import { classes } from '@/ui/theme/classes';
import { FloatControl, IntControl } from './NumberControl';
import { RateSlider } from './RateSlider';
import styles from './Setting.module.css';

interface SettingProps {
  readonly path: SettingPath;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  /** The running value, where the shown one is only drafted. */
  readonly was?: Value | undefined;
  /** Why the value cannot stand. */
  readonly complaint?: string | undefined;
  /** Powers of ten of a slider under the number. */
  readonly sliderRange?: { readonly low: number; readonly high: number };
  /** Label over number, help only for a screen reader and for whoever points at it: for rows of several. */
  readonly isTerse?: boolean | undefined;
}

export function Setting(props: SettingProps) {
  const { path, was, complaint, sliderRange, value, onChange, isTerse } = props;
  const field = fieldAt(path);
  const helpId = useId();
  if (!field) return null;
  return (
    <div
      className={classes(
        styles['setting'],
        complaint && styles['wrong'],
        isTerse && styles['terse'],
      )}
      title={isTerse ? field.help : undefined}
    >
      <Control {...props} field={field} helpId={helpId} />
      {sliderRange && (
        <RateSlider
          label={field.label}
          value={value as number}
          onChange={onChange}
          {...sliderRange}
        />
      )}
      {was !== undefined && <b className={styles['was']}>was {valueWords(was)}</b>}
      <p id={helpId} className={styles['help']}>
        {complaint ?? <Help field={field} value={value} />}
      </p>
    </div>
  );
}

function Control(props: SettingProps & { field: Field; helpId: string }) {
  const { field, value, onChange, complaint, helpId } = props;
  const number = { label: field.label, isWrong: complaint !== undefined, onChange, helpId };
  switch (field.kind) {
    case 'int':
      return <IntControl {...number} unit={field.unit} value={value as number} />;
    case 'float':
      return <FloatControl {...number} unit={field.unit} value={value as number} />;
    case 'bool':
      return (
        <Switch
          className={styles['switch'] ?? ''}
          isSelected={value as boolean}
          onChange={onChange}
          aria-describedby={helpId}
        >
          {field.label}
          <span className={styles['knob']} />
        </Switch>
      );
    case 'choice':
      return <Choice field={field} value={value as string} onChange={onChange} />;
    case 'text':
      return <Words {...number} value={value as string} maxLength={field.maxLength} />;
  }
}

function Choice(props: { field: ChoiceField; value: string; onChange: (value: string) => void }) {
  const { field, value, onChange } = props;
  return (
    <>
      <div className={styles['row']}>
        <span className={styles['name']}>{field.label}</span>
      </div>
      <Segmented
        label={field.label}
        value={value}
        onChange={onChange}
        options={field.options.map((option) => ({ value: option, label: optionLabel(option) }))}
      />
    </>
  );
}

function Words(props: {
  label: string;
  value: string;
  maxLength: number;
  onChange: (value: string) => void;
  helpId: string;
}) {
  const { label, value, onChange, maxLength, helpId } = props;
  const [draft, setDraft] = useState<string>();
  const commit = () => {
    if (draft !== undefined && draft !== value) onChange(draft);
    setDraft(undefined);
  };
  return (
    <TextField
      className={styles['text'] ?? ''}
      value={draft ?? value}
      maxLength={maxLength}
      onChange={setDraft}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
      }}
      aria-describedby={helpId}
    >
      <Label>{label}</Label>
      <Input spellCheck={false} autoComplete="off" />
    </TextField>
  );
}

/** What it does, its range, and where it comes from. */
function Help({ field, value }: { field: Field; value: Value }) {
  const chosen = field.kind === 'choice' ? field.optionHelp?.[String(value)] : undefined;
  const hasRange = field.kind === 'int' || field.kind === 'float';
  const url = field.source && sourceUrl(field.source);
  return (
    <>
      {chosen ?? field.help}
      {hasRange && (
        <span className={styles['range']}>
          {' '}
          {formatShort(field.min)} to {formatShort(field.max)}.
        </span>
      )}{' '}
      {url ? (
        <a href={url} target="_blank" rel="noreferrer">
          {field.source}
        </a>
      ) : (
        field.source
      )}
    </>
  );
}
