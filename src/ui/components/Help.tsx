import type { ReactNode } from 'react';
import { Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { GhostButton } from './Button';
import styles from './Help.module.css';

/** A question mark that opens a few sentences. */
export function Help({ label, children }: { label: string; children: ReactNode }) {
  return (
    <DialogTrigger>
      <GhostButton label={label} icon="help" />
      <Popover className={styles['card'] ?? ''} placement="bottom end">
        <Dialog aria-label={label}>{children}</Dialog>
      </Popover>
    </DialogTrigger>
  );
}
