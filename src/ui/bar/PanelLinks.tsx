import { useLab, useView } from '@/ui/live/hooks';
import { panels } from '@/ui/panels';
import styles from './PanelLinks.module.css';

/** Scrolls to a panel, which may have to be drawn first: a few frames. */
function scrollTo(id: string, frames = 60): void {
  const panel = document.getElementById(`panel-${id}`);
  if (panel) panel.scrollIntoView();
  else if (frames > 0) requestAnimationFrame(() => scrollTo(id, frames - 1));
}

/** On a narrow screen: the way to each panel. Buttons, because the address is the experiment. */
export function PanelLinks() {
  const { view } = useLab();
  const inView = useView((view) => view.inView);
  const current = panels.find(({ id }) => inView.has(id))?.id;
  return (
    <nav className={styles['links']} aria-label="Panels">
      {panels.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          aria-current={id === current ? 'true' : undefined}
          onClick={() => {
            view.setState({ isSettled: true });
            scrollTo(id);
          }}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}
