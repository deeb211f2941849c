/** @file Several rows of the settings table, without those that move nothing as things stand. */
import type { ReactNode } from 'react';
import { fieldAt, type SettingPath, type Settings } from '@/engine/config/settings';
import { whyIdle } from './effect';
import styles from './Rows.module.css';

interface RowsProps {
  readonly paths: readonly SettingPath[];
  /** What decides which rows move something. */
  readonly values: Settings;
  /** Rows that are shown in any case: somebody complains of them. */
  readonly wrong?: readonly SettingPath[];
  readonly children: (path: SettingPath) => ReactNode;
}

/** The rows that move something; below them, the others by name, with the reason. */
export function Rows({ paths, values, wrong = [], children }: RowsProps) {
  const idle = new Map<string, SettingPath[]>();
  const shown = paths.filter((path) => {
    const why = wrong.includes(path) ? undefined : whyIdle(values, path);
    if (why) idle.set(why, [...(idle.get(why) ?? []), path]);
    return why === undefined;
  });
  return (
    <>
      {shown.map(children)}
      {[...idle].map(([why, rows]) => (
        <p key={why} className={styles['idle']}>
          Nothing to set while <b>{why}</b>: {rows.map(nameOf).join(', ')}.
        </p>
      ))}
    </>
  );
}

const nameOf = (path: SettingPath): string => fieldAt(path)?.label ?? path;
