import { useState } from 'react';
import { FileTrigger, Input, Label, TextField } from 'react-aria-components';
import { Button } from '@/ui/components/Button';
import { Progress } from '@/ui/components/Progress';
import { formatBytes } from '@/ui/format/numbers';
import { useLab, useRun, useStored } from '@/ui/live/hooks';
import { Notes } from '@/ui/live/Notes';
import { openFiles } from '@/ui/state/resume';
import { archiveOf, keepRun, writeFolder } from '@/ui/state/saving';
import { askForFolder, canWriteFolders, download } from '@/ui/storage/download';
import { chosenFiles } from '@/ui/storage/dropped';
import styles from './Checkpoints.module.css';
import { CheckpointTable } from './CheckpointTable';
import { definePanel } from './definePanel';
import { Empty } from './parts';

export const checkpoints = definePanel({
  id: 'checkpoints',
  title: 'Checkpoints',
  subtitle: 'runs to go on with, here or elsewhere',
  help: [
    'A checkpoint is a folder as Hugging Face has them, config.json and safetensors, with the state of the run beside: opened again, it goes on to the same bits.',
    'While a run trains, the newest two states are kept by themselves: every two minutes, when it pauses, and when the page is hidden. What you keep stays until you delete it.',
    'All of it stays in this browser. Nothing is sent anywhere.',
  ],
  Body,
});

function Body() {
  const unavailable = useStored((state) => state.unavailable);
  return (
    <>
      <div className={styles['ways']}>
        <Out />
        <In />
      </div>
      <Working />
      <Notes place="checkpoints" />
      {unavailable === undefined ? <Kept /> : <p className={styles['note']}>{unavailable}</p>}
    </>
  );
}

/** The run of the page: kept, downloaded, written to a folder. */
function Out() {
  const lab = useLab();
  const [name, setName] = useState('');
  const canSave = useRun(({ phase }) => phase === 'training' || phase === 'paused');
  const isBusy = useStored((state) => state.work !== undefined);
  const canKeep = useStored((state) => state.unavailable === undefined);
  const keep = async () => {
    // Without this the browser may clear everything when the disk runs short; it may say no.
    void navigator.storage?.persist?.();
    await keepRun(lab, name.trim());
    setName('');
  };
  const pack = async () => {
    const archive = await archiveOf(lab, 'run');
    if (archive) download(archive.name, archive.blob);
  };
  const write = async () => {
    const open = await askForFolder();
    if (open) await writeFolder(lab, 'run', open);
  };
  return (
    <div className={styles['way']}>
      <TextField value={name} onChange={setName} maxLength={80} className={styles['name'] ?? ''}>
        <Label>This run, as</Label>
        <Input placeholder="a name, if you like" />
      </TextField>
      <Button size="small" isDisabled={!canSave || !canKeep} isBusy={isBusy} onPress={keep}>
        Keep this run
      </Button>
      <Button size="small" isDisabled={!canSave} isBusy={isBusy} onPress={pack}>
        Download it
      </Button>
      {canWriteFolders() && (
        <Button size="small" isDisabled={!canSave} isBusy={isBusy} onPress={write}>
          Write a folder
        </Button>
      )}
    </div>
  );
}

/** Files from outside. They may also be dropped anywhere on the page. */
function In() {
  const lab = useLab();
  const isReady = useRun(({ adapter, phase }) => adapter !== undefined && phase !== 'preparing');
  const isBusy = useStored((state) => state.work !== undefined);
  const open = (files: FileList | null) => {
    if (files && files.length > 0) void openFiles(lab, chosenFiles(files));
  };
  return (
    <div className={styles['way']}>
      <span className={styles['note']}>Drop a folder, its files or a .zip anywhere, or</span>
      <FileTrigger allowsMultiple onSelect={open}>
        <Button size="small" isDisabled={!isReady} isBusy={isBusy}>
          Open files
        </Button>
      </FileTrigger>
      <FileTrigger acceptDirectory onSelect={open}>
        <Button size="small" isDisabled={!isReady} isBusy={isBusy}>
          Open a folder
        </Button>
      </FileTrigger>
    </div>
  );
}

/** What is being done, how far, and the way out. */
function Working() {
  const work = useStored((state) => state.work);
  if (!work) return null;
  return (
    <div className={styles['working']}>
      <span>{work.label}</span>
      <Progress label={work.label} share={work.share} />
      {work.cancel && (
        <Button size="small" onPress={work.cancel}>
          Cancel
        </Button>
      )}
    </div>
  );
}

function Kept() {
  const entries = useStored((state) => state.entries);
  const room = useStored((state) => state.room);
  if (!entries) return <Empty title="Looking">What this browser keeps of your runs.</Empty>;
  if (entries.length === 0) {
    return (
      <Empty title="Nothing is kept yet">
        The first state is kept two minutes into training, or when the run pauses.
      </Empty>
    );
  }
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  return (
    <>
      <CheckpointTable entries={entries} />
      <p className={styles['note']}>
        {formatBytes(bytes)} in this browser
        {room && Number.isFinite(room.quota)
          ? `, which grants ${formatBytes(Math.max(0, room.quota - room.usage))} more.`
          : '.'}
      </p>
    </>
  );
}
