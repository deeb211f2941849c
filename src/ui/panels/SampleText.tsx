import type { Sample } from '@/engine/train/commands';
import { visibleText } from '@/ui/format/text';
import styles from './SampleText.module.css';

/** A prompt in grey and what the model wrote after it. */
export const SampleText = ({ sample }: { sample: Sample }) => (
  <p className={styles['text']}>
    <em>{visibleText(sample.prompt)}</em>
    {visibleText(sample.text)}
  </p>
);
