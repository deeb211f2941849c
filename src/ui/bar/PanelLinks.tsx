import { useView } from '@/ui/live/hooks';
import { panels } from '@/ui/panels';
import styles from './PanelLinks.module.css';

/** On a narrow screen: the way to each panel. Buttons, because the address is the experiment. */
export function PanelLinks() {
  const inView = useView((view) => view.inView);
  const current = panels.find(({ id }) => inView.has(id))?.id;
  return (
    <nav className={styles['links']} aria-label="Panels">
      {panels.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          aria-current={id === current ? 'true' : undefined}
          onClick={() => document.getElementById(`panel-${id}`)?.scrollIntoView()}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}
