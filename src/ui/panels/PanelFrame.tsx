/** @file Title line, help, folding, enlarging, and whether anybody sees the panel. */
import { type RefObject, useEffect, useRef } from 'react';
import { GhostButton } from '@/ui/components/Button';
import { Help } from '@/ui/components/Help';
import { ActiveContext, EnlargedContext, useLab, useView } from '@/ui/live/hooks';
import { isPanelActive, withMember } from '@/ui/state/view';
import { classes } from '@/ui/theme/classes';
import type { Panel } from './definePanel';
import styles from './PanelFrame.module.css';

/** How far outside of the window a panel already counts as seen. */
const SEEN_MARGIN = '160px';

export function PanelFrame({ panel }: { panel: Panel }) {
  const { id, title, subtitle, help, Body, Tools } = panel;
  const { view } = useLab();
  const ref = useRef<HTMLElement>(null);
  useSeen(ref, id);
  const isFolded = useView((state) => state.folded.has(id));
  const isEnlarged = useView((state) => state.enlarged === id);
  const isActive = useView((state) => isPanelActive(state, id));
  const fold = () =>
    view.setState(({ folded }) => ({ folded: withMember(folded, id, !folded.has(id)) }));
  const enlarge = () => view.setState({ enlarged: isEnlarged ? undefined : id });
  return (
    <section
      ref={ref}
      id={`panel-${id}`}
      aria-label={title}
      className={classes(styles['panel'], isFolded && styles['folded'])}
    >
      <header className={styles['head']}>
        <h2>{title}</h2>
        <p>{subtitle}</p>
        <div className={styles['tools']}>
          {Tools && !isFolded && <Tools />}
          <div className={styles['ghosts']}>
            <Help label={`About ${title.toLowerCase()}`}>
              {help.map((sentence) => (
                <p key={sentence}>{sentence}</p>
              ))}
            </Help>
            <GhostButton
              label={`${isEnlarged ? 'Shrink' : 'Enlarge'} ${title.toLowerCase()}`}
              icon={isEnlarged ? 'shrink' : 'enlarge'}
              onPress={enlarge}
            />
            <GhostButton
              label={`${isFolded ? 'Unfold' : 'Fold'} ${title.toLowerCase()}`}
              icon={isFolded ? 'right' : 'down'}
              onPress={fold}
              isExpanded={!isFolded}
            />
          </div>
        </div>
      </header>
      {!isFolded && (
        <ActiveContext value={isActive}>
          <EnlargedContext value={isEnlarged}>
            <Body />
          </EnlargedContext>
        </ActiveContext>
      )}
    </section>
  );
}

/** Keeps `inView` true to what the window shows. */
function useSeen(ref: RefObject<HTMLElement | null>, id: string): void {
  const { view } = useLab();
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const set = (isIn: boolean) =>
      view.setState(({ inView }) => ({ inView: withMember(inView, id, isIn) }));
    const observer = new IntersectionObserver(
      (entries) => set(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: SEEN_MARGIN },
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      set(false);
    };
  }, [ref, id, view]);
}
