/** @file The page's few pictures, drawn on a grid of 16. */
import styles from './Icon.module.css';

const drawings = {
  play: <path d="M5 3.2v9.6l7.6-4.8z" className={styles['solid']} />,
  pause: <path d="M4.2 3.2h2.6v9.6H4.2zm5 0h2.6v9.6H9.2z" className={styles['solid']} />,
  step: (
    <>
      <path d="M3.6 3.4v9.2L9.8 8z" className={styles['solid']} />
      <path d="M12 3.6v8.8" />
    </>
  ),
  reset: <path d="M4 5.2A4.8 4.8 0 1 1 3.2 8M4 2.4v3h3" />,
  link: (
    <path d="M6.6 9.4l2.8-2.8M7 5l1.7-1.7a2.6 2.6 0 0 1 3.8 3.8L10.9 8.8M9 11l-1.7 1.7a2.6 2.6 0 0 1-3.8-3.8L5.1 7.2" />
  ),
  enlarge: <path d="M10 2.8h3.2V6M13 3L9.2 6.8M6 13.2H2.8V10M3 13l3.8-3.8" />,
  shrink: <path d="M9.4 3.4v3.2h3.2M9.6 6.4L13 3M6.6 12.6V9.4H3.4M6.4 9.6L3 13" />,
  help: (
    <>
      <path d="M6 6.3a2 2 0 1 1 2.8 1.8c-.5.3-.8.7-.8 1.3" />
      <circle cx="8" cy="11.7" r=".8" className={styles['solid']} />
    </>
  ),
  right: <path d="M6.2 3.8L10.4 8l-4.2 4.2" />,
  left: <path d="M9.8 3.8L5.6 8l4.2 4.2" />,
  down: <path d="M3.8 6.2L8 10.4l4.2-4.2" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  theme: (
    <>
      <circle cx="8" cy="8" r="4.9" />
      <path d="M8 3.1a4.9 4.9 0 0 1 0 9.8z" className={styles['solid']} />
    </>
  ),
} as const;

export type IconName = keyof typeof drawings;

/** A picture without a name of its own: what it is on has the name. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={styles['icon']} viewBox="0 0 16 16" aria-hidden="true">
      {drawings[name]}
    </svg>
  );
}
