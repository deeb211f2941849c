import { useEffect, useState } from 'react';
import { useLab, useStored } from '@/ui/live/hooks';
import { openDropped } from '@/ui/state/resume';
import styles from './DropAnywhere.module.css';

/** A drag that is over the page says so every few hundred milliseconds at least. */
const GONE_MS = 500;

/** Takes checkpoints that are dropped anywhere; a place with a drop of its own keeps what falls there. */
export function DropAnywhere() {
  const lab = useLab();
  const [isOver, setOver] = useState(false);
  const isBusy = useStored((state) => state.work !== undefined);
  useEffect(() => {
    let timer: number | undefined;
    const end = () => {
      window.clearTimeout(timer);
      setOver(false);
    };
    const over = (event: DragEvent) => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return end();
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      setOver(true);
      window.clearTimeout(timer);
      timer = window.setTimeout(end, GONE_MS);
    };
    const drop = (event: DragEvent) => {
      end();
      if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return;
      // Also where nothing is done with it: a browser would leave the page for the file.
      event.preventDefault();
      void openDropped(lab, event.dataTransfer);
    };
    window.addEventListener('dragover', over);
    window.addEventListener('drop', drop);
    return () => {
      end();
      window.removeEventListener('dragover', over);
      window.removeEventListener('drop', drop);
    };
  }, [lab]);
  if (!isOver) return null;
  return (
    <div className={styles['over']} aria-hidden="true">
      <p>{isBusy ? 'Wait until the page is done' : 'Let go to open a checkpoint'}</p>
      <span>a folder with config.json and safetensors, its files, or a .zip of it</span>
    </div>
  );
}
