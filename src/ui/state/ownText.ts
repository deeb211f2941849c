/** @file The visitor's own text: it goes to the engine's worker and nowhere else. */
import type { Lab } from './lab';
import { addNote } from './run';

/** Largest text that is read at all, in bytes: what the data worker takes. */
export const MAX_TEXT_BYTES = 100_000_000;

/** Adds or replaces the visitor's text. Resolves with whether it was taken; if not, a note says why. */
export async function addText(lab: Lab, name: string, blob: Blob): Promise<boolean> {
  if (blob.size > MAX_TEXT_BYTES) {
    refuse(lab, name, `It has ${Math.ceil(blob.size / 1e6)} MB; up to 100 MB can be added.`);
    return false;
  }
  try {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    const ownText = await lab.client.addText(name, bytes);
    lab.ownText = { name, blob };
    lab.run.setState(({ notes }) => ({
      ownText,
      notes: notes.filter((note) => note.place !== 'data'),
    }));
    return true;
  } catch (error) {
    // The engine's words open with what the note's title says.
    refuse(lab, name, (error as Error).message.replace(`${name} was not added. `, ''));
    return false;
  }
}

export async function removeText(lab: Lab): Promise<void> {
  await lab.client.removeText();
  lab.ownText = undefined;
  lab.run.setState({ ownText: undefined });
}

/** Gives the text to a worker that is new. */
export async function giveText(lab: Lab): Promise<void> {
  if (lab.ownText) await addText(lab, lab.ownText.name, lab.ownText.blob);
}

function refuse(lab: Lab, name: string, why: string): void {
  addNote(lab.run, { place: 'data', isError: true, title: `${name} was not added`, body: why });
}
