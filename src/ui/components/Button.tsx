import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { classes } from '@/ui/theme/classes';
import styles from './Button.module.css';
import { Icon, type IconName } from './Icon';

interface ButtonProps {
  readonly children: ReactNode;
  readonly onPress?: () => void;
  /** `submit` ends the form around it. */
  readonly type?: 'button' | 'submit';
  readonly icon?: IconName;
  /** `go` is the one action that a place leads to. */
  readonly kind?: 'plain' | 'go';
  readonly size?: 'normal' | 'small';
  readonly isDisabled?: boolean;
  /** Cannot be pressed for the moment; unlike a disabled one it keeps the keyboard's focus. */
  readonly isBusy?: boolean;
  /** Shows only the picture where the page is not wide; the name stays. */
  readonly isShort?: boolean;
}

export function Button(props: ButtonProps) {
  const { children, onPress, icon, kind, size, isDisabled = false, isBusy = false } = props;
  return (
    <AriaButton
      className={classes(
        styles['button'],
        kind === 'go' && styles['go'],
        size === 'small' && styles['small'],
        props.isShort && styles['short'],
      )}
      isDisabled={isDisabled}
      isPending={isBusy}
      type={props.type ?? 'button'}
      {...(onPress && { onPress })}
    >
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </AriaButton>
  );
}

/** A button that is only a picture; `label` is its name. */
export function GhostButton(props: {
  label: string;
  icon: IconName;
  onPress?: () => void;
  isExpanded?: boolean;
  isDisabled?: boolean;
}) {
  const { label, icon, onPress, isExpanded, isDisabled = false } = props;
  return (
    <AriaButton
      className={classes(styles['ghost'])}
      aria-label={label}
      isDisabled={isDisabled}
      {...(onPress && { onPress })}
      {...(isExpanded !== undefined && { 'aria-expanded': isExpanded })}
    >
      <Icon name={icon} />
    </AriaButton>
  );
}
