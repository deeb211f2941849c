/** @file Where a run stands, as it is told: with every word, how far the kernels of the newest session are. */
import type { Events } from './commands';
import type { Emit } from './probes';

type Phase = Events['phase'];

export class Phases {
  readonly #emit: Emit;
  #progress: Phase['progress'];
  /** Sessions made or given up so far. */
  #sessions = 0;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** As the plain one, but for phases, which say how far things are. */
  readonly emit: Emit = (event, data) => {
    const isPlain = event !== 'phase' || !this.#progress;
    this.#emit(event, isPlain ? data : { progress: this.#progress, ...data });
  };

  /**
   * For one more session: tells how far it is, and at last undefined: it is there, or broken. What comes after that, or
   * from an earlier session, is dropped.
   */
  preparation(standing: () => Phase): (progress: Phase['progress']) => void {
    const session = ++this.#sessions;
    let isOver = false;
    return (progress) => {
      if (isOver || session !== this.#sessions) return;
      isOver = progress === undefined;
      this.#progress = progress;
      this.emit('phase', standing());
    };
  }

  /** The newest session is given up: nothing more is told of it. */
  forget(): void {
    this.#sessions++;
    this.#progress = undefined;
  }
}
