import { type FormEvent, type MouseEvent, useState } from 'react';
import { Input, TextField } from 'react-aria-components';
import { presetById } from '@/engine/config/presets';
import { Button } from '@/ui/components/Button';
import { formatBytes, formatFixed, NOTHING } from '@/ui/format/numbers';
import { formatMoment } from '@/ui/format/time';
import { useLab, useRun, useStored } from '@/ui/live/hooks';
import { openLink } from '@/ui/state/experiments';
import { resume } from '@/ui/state/resume';
import { archiveOf, remove, rename, writeFolder } from '@/ui/state/saving';
import { askForFolder, canWriteFolders, download } from '@/ui/storage/download';
import type { StoredCheckpoint } from '@/ui/storage/record';
import styles from './Checkpoints.module.css';

/** Every kept checkpoint, the newest first, and what can be done with it. */
export const CheckpointTable = ({ entries }: { entries: readonly StoredCheckpoint[] }) => (
  <table className={styles['table']} aria-label="Kept checkpoints, newest first">
    <thead>
      <tr>
        <th scope="col">checkpoint</th>
        <th scope="col">preset</th>
        <th scope="col" className={styles['number']}>
          step
        </th>
        <th scope="col" className={styles['number']}>
          loss
        </th>
        <th scope="col" className={styles['number']}>
          size
        </th>
        <th scope="col">kept</th>
        <th scope="col">
          <span className={styles['unseen']}>actions</span>
        </th>
      </tr>
    </thead>
    <tbody>
      {entries.map((entry) => (
        <Row key={entry.id} entry={entry} />
      ))}
    </tbody>
  </table>
);

/** What a row is being asked. */
type Asking = 'nothing' | 'name' | 'deleting';

function Row({ entry }: { entry: StoredCheckpoint }) {
  const [asking, setAsking] = useState<Asking>('nothing');
  const rest = () => setAsking('nothing');
  return (
    <tr data-checkpoint={entry.id} data-step={entry.step}>
      <th scope="row">
        {asking === 'name' ? <NameField entry={entry} onDone={rest} /> : <Title entry={entry} />}
      </th>
      <td>{presetById(entry.preset)?.label ?? entry.preset}</td>
      <td className={styles['number']}>
        <span className={styles['label']}>step </span>
        {formatFixed(entry.step, 0)}
      </td>
      <td className={styles['number']}>
        {entry.loss === null ? NOTHING : `${formatFixed(entry.loss, 3)} nats`}
      </td>
      <td className={styles['number']}>{formatBytes(entry.bytes)}</td>
      <td>{formatMoment(entry.savedAt)}</td>
      <td>
        {asking === 'deleting' ? (
          <Deleting entry={entry} onDone={rest} />
        ) : (
          <Actions entry={entry} onAsk={setAsking} />
        )}
      </td>
    </tr>
  );
}

const origins = {
  'this tab': 'automatic',
  'another tab': 'automatic, by another tab',
  nobody: 'automatic, by a tab that is closed',
} as const;

function Title({ entry }: { entry: StoredCheckpoint }) {
  const lab = useLab();
  const { kind, name, owner, link, isImported } = entry;
  // The address may hold this very text, and following a link to where one is does nothing.
  const fromStart = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void openLink(lab, link);
  };
  return (
    <>
      <b>{kind === 'kept' ? name || 'kept' : origins[owner]}</b>
      <span className={styles['about']}>
        {isImported ? (
          'weights from files, so no link makes it'
        ) : link === '' ? (
          'more changes than a link holds'
        ) : (
          <a href={`#${link}`} onClick={fromStart}>
            its link, from step 0
          </a>
        )}
      </span>
    </>
  );
}

function Actions(props: { entry: StoredCheckpoint; onAsk: (asking: Asking) => void }) {
  const { entry, onAsk } = props;
  const lab = useLab();
  const isBusy = useStored((state) => state.work !== undefined);
  const isReady = useRun(({ adapter, phase }) => adapter !== undefined && phase !== 'preparing');
  const pack = async () => {
    const archive = await archiveOf(lab, entry);
    if (archive) download(archive.name, archive.blob);
  };
  const write = async () => {
    const open = await askForFolder();
    if (open) await writeFolder(lab, entry, open);
  };
  return (
    <div className={styles['actions']}>
      <Button size="small" isDisabled={!isReady} isBusy={isBusy} onPress={() => resume(lab, entry)}>
        Resume
      </Button>
      <Button size="small" isBusy={isBusy} onPress={pack}>
        Download
      </Button>
      {canWriteFolders() && (
        <Button size="small" isBusy={isBusy} onPress={write}>
          Folder
        </Button>
      )}
      <Button size="small" isBusy={isBusy} onPress={() => onAsk('name')}>
        {entry.kind === 'kept' ? 'Rename' : 'Keep'}
      </Button>
      <Button size="small" isBusy={isBusy} onPress={() => onAsk('deleting')}>
        Delete
      </Button>
    </div>
  );
}

function NameField({ entry, onDone }: { entry: StoredCheckpoint; onDone: () => void }) {
  const lab = useLab();
  const [name, setName] = useState(entry.name);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    onDone();
    await rename(lab, entry, name.trim());
  };
  return (
    <form
      className={styles['naming']}
      onSubmit={save}
      onKeyDown={(event) => event.key === 'Escape' && onDone()}
    >
      <TextField
        aria-label="Name of this checkpoint"
        value={name}
        onChange={setName}
        maxLength={80}
        autoFocus
      >
        <Input />
      </TextField>
      <Button size="small" type="submit">
        Save
      </Button>
    </form>
  );
}

function Deleting({ entry, onDone }: { entry: StoredCheckpoint; onDone: () => void }) {
  const lab = useLab();
  return (
    <div className={styles['actions']}>
      <Button size="small" onPress={() => remove(lab, entry)}>
        Delete it for good
      </Button>
      <Button size="small" onPress={onDone}>
        Leave it
      </Button>
    </div>
  );
}
