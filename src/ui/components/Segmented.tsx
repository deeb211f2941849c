import { Radio, RadioGroup } from 'react-aria-components';
import { classes } from '@/ui/theme/classes';
import styles from './Segmented.module.css';

interface SegmentedProps<T extends string> {
  /** Name of the group, for those who hear the page. */
  readonly label: string;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly isSmall?: boolean;
  readonly isDisabled?: boolean;
}

/** One of a few, side by side. */
export function Segmented<T extends string>(props: SegmentedProps<T>) {
  return (
    <RadioGroup
      className={classes(styles['group'], props.isSmall && styles['small'])}
      aria-label={props.label}
      orientation="horizontal"
      isDisabled={props.isDisabled ?? false}
      value={props.value}
      onChange={(value) => props.onChange(value as T)}
    >
      {props.options.map(({ value, label }) => (
        <Radio key={value} value={value} className={classes(styles['option'])}>
          {label}
        </Radio>
      ))}
    </RadioGroup>
  );
}
