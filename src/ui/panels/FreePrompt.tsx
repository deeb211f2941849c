import { useState } from 'react';
import { Input, Label, NumberField, TextArea, TextField } from 'react-aria-components';
import type { Sample } from '@/engine/train/commands';
import { Button } from '@/ui/components/Button';
import { formatFixed } from '@/ui/format/numbers';
import { useLab, useRun } from '@/ui/live/hooks';
import { addNote } from '@/ui/state/run';
import styles from './FreePrompt.module.css';
import { SampleText } from './SampleText';

const MAX_LENGTH = 4096;
const MAX_TEMPERATURE = 5;

/** A prompt of the visitor's, continued with the weights of now. */
export function FreePrompt() {
  const lab = useLab();
  const isPrepared = useRun((state) => state.info !== undefined && state.phase !== 'stopped');
  const [prompt, setPrompt] = useState('The captain ');
  const [temperature, setTemperature] = useState(0.8);
  const [length, setLength] = useState(96);
  const [isBusy, setBusy] = useState(false);
  const [reply, setReply] = useState<Sample>();
  const [asked, setAsked] = useState(0);
  const ask = async () => {
    setBusy(true);
    try {
      // Another seed each time, or the same prompt would always be continued alike.
      setReply(await lab.client.generate({ prompt, temperature, length, seed: asked }));
      setAsked(asked + 1);
    } catch (error) {
      const body = (error as Error).message;
      addNote(lab.run, {
        place: 'samples',
        isError: true,
        title: 'The text was not continued',
        body,
      });
    }
    setBusy(false);
  };
  return (
    <div>
      <TextField
        value={prompt}
        onChange={setPrompt}
        maxLength={2000}
        className={styles['prompt'] ?? ''}
      >
        <Label>Your prompt</Label>
        <TextArea spellCheck={false} />
      </TextField>
      <div className={styles['options']}>
        <Amount
          label="temperature"
          value={temperature}
          max={MAX_TEMPERATURE}
          onChange={setTemperature}
        />
        <Amount
          label="bytes"
          value={length}
          min={1}
          max={MAX_LENGTH}
          onChange={setLength}
          isWhole
        />
        <Button size="small" onPress={ask} isDisabled={!isPrepared} isBusy={isBusy}>
          Continue the text
        </Button>
      </div>
      <Reply reply={reply} isBusy={isBusy} isPrepared={isPrepared} />
    </div>
  );
}

function Reply(props: { reply: Sample | undefined; isBusy: boolean; isPrepared: boolean }) {
  const { reply, isBusy, isPrepared } = props;
  if (isBusy) return <p className={styles['note']}>Writing. Training goes on meanwhile.</p>;
  if (!reply) {
    return (
      <p className={styles['note']}>
        {isPrepared ? 'The answer will stand here.' : 'The model answers once the run is prepared.'}
      </p>
    );
  }
  const seconds = formatFixed(reply.elapsedMs / 1000, 1);
  return (
    <div className={styles['reply']} aria-live="polite">
      <SampleText sample={reply} />
      <p className={styles['note']}>
        step {formatFixed(reply.step, 0)}, seed {reply.seed}, in {seconds} s
      </p>
    </div>
  );
}

function Amount(props: {
  label: string;
  value: number;
  min?: number;
  max: number;
  isWhole?: boolean;
  onChange: (value: number) => void;
}) {
  return (
    <NumberField
      className={styles['amount'] ?? ''}
      value={props.value}
      minValue={props.min ?? 0}
      maxValue={props.max}
      step={props.isWhole ? 1 : 0.1}
      onChange={(value) => {
        if (!Number.isNaN(value)) props.onChange(value);
      }}
    >
      <Label>{props.label}</Label>
      <Input />
    </NumberField>
  );
}
