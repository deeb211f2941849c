import { Button } from '@/ui/components/Button';
import { Message } from '@/ui/components/Message';
import { closeNote, type NotePlace } from '@/ui/state/run';
import { useLab, useRun } from './hooks';

/** The notes that belong to a place, each until it is closed. */
export function Notes({ place }: { place: NotePlace }) {
  const lab = useLab();
  const notes = useRun((state) => state.notes);
  return notes
    .filter((note) => note.place === place)
    .map((note) => (
      <Message
        key={note.id}
        title={note.title}
        isError={note.isError}
        actions={
          <Button size="small" onPress={() => closeNote(lab.run, note.id)}>
            Close
          </Button>
        }
      >
        {note.body}
      </Message>
    ));
}
