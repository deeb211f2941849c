import { useState } from 'react';
import {
  DropZone,
  type DropZoneProps,
  FileTrigger,
  Label,
  TextArea,
  TextField,
} from 'react-aria-components';
import { Button } from '@/ui/components/Button';
import { formatBytes } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import { draftValue } from '@/ui/state/experiments';
import type { Lab } from '@/ui/state/lab';
import { addText, removeText } from '@/ui/state/ownText';
import styles from './OwnText.module.css';

/** Share that a text gets when it is added, in parts. */
const FIRST_WEIGHT = 0.3;

/** Takes a text in and gives it a share, so that the next run reads it. */
async function take(lab: Lab, name: string, blob: Blob): Promise<void> {
  const isTaken = await addText(lab, name, blob);
  const { draft, now } = lab.run.getState();
  const weight = (draft?.values ?? now).data.ownTextWeight;
  if (isTaken && weight === 0) await draftValue(lab, 'data.ownTextWeight', FIRST_WEIGHT);
}

type DropEvent = Parameters<NonNullable<DropZoneProps['onDrop']>>[0];

async function takeDropped(lab: Lab, { items }: DropEvent): Promise<void> {
  for (const item of items) {
    if (item.kind === 'file') return take(lab, item.name, await item.getFile());
    if (item.kind === 'text' && item.types.has('text/plain')) {
      return take(lab, 'dropped text', new Blob([await item.getText('text/plain')]));
    }
  }
}

/** The visitor's own text: by file, by dropping, by pasting. */
export function OwnText() {
  const lab = useLab();
  const ownText = useRun((state) => state.ownText);
  return (
    <div className={styles['own']}>
      <DropZone
        className={styles['zone'] ?? ''}
        aria-label="Drop a text file here"
        onDrop={(event) => void takeDropped(lab, event)}
      >
        <p className={styles['words']}>
          {ownText
            ? `${ownText.name}, ${formatBytes(ownText.bytes)}, read by the next run.`
            : 'Your own text stays on this device. Drop a file here, choose one, or paste.'}
        </p>
        <div className={styles['actions']}>
          <FileTrigger
            onSelect={(files) => {
              const file = files?.[0];
              if (file) void take(lab, file.name, file);
            }}
          >
            <Button size="small">{ownText ? 'Choose another file' : 'Choose a file'}</Button>
          </FileTrigger>
          {ownText && (
            <Button size="small" onPress={() => removeText(lab)}>
              Remove it
            </Button>
          )}
        </div>
      </DropZone>
      <Paste />
      <Notes place="data" />
    </div>
  );
}

function Paste() {
  const lab = useLab();
  const [text, setText] = useState('');
  const add = async () => {
    await take(lab, 'pasted text', new Blob([text]));
    setText('');
  };
  return (
    <TextField value={text} onChange={setText} className={styles['paste'] ?? ''}>
      <Label>Paste a text</Label>
      <TextArea rows={2} spellCheck={false} />
      {text !== '' && (
        <Button size="small" onPress={add}>
          Add this text
        </Button>
      )}
    </TextField>
  );
}
