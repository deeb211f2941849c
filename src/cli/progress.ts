/** @file How far a run is: a bar that is redrawn on a terminal, a line now and then anywhere else. */
import type { Events, MetricValues } from '@/engine/index';
import type { Stream } from './host';
import { clock, grouped, metricWords } from './numbers';

/** A terminal is redrawn at most so often, ms. */
const REDRAW = 100;
const BAR_WIDTH = 20;
/** Lines of a whole run in a log, or steps between two where its end is not known. */
const LOG_LINES = 50;
const LOG_EVERY = 100;
const DEFAULT_COLUMNS = 80;

export class Progress {
  readonly #stream: Stream;
  readonly #target: number | undefined;
  #values: MetricValues = {};
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isLineOpen = false;

  /** @param target steps of the whole run; undefined where it goes on until it is interrupted */
  constructor(stream: Stream, target: number | undefined) {
    this.#stream = stream;
    this.#target = target;
  }

  told<K extends keyof Events>(event: K, data: Events[K]): void {
    const { phase, metrics, changed, recovered }: Partial<Events> = { [event]: data };
    if (phase?.progress && this.#stream.isTTY) {
      const { label, done, total } = phase.progress;
      this.#draw(total > 1 ? `${label}, ${done} of ${total}` : label);
    }
    if (metrics) {
      this.#values = { ...this.#values, ...metrics.values };
      if (metrics.values['train.loss'] !== undefined) this.#step(metrics.step);
    }
    if (changed) this.note(`step ${changed.step}: ${changed.path} is ${changed.to} from here on`);
    if (recovered) {
      const { lostAt, resumedAt, reason } = recovered;
      this.note(`device lost at step ${lostAt} (${reason}); goes on from step ${resumedAt}`);
    }
  }

  /** A line that stays. */
  note(line: string): void {
    this.close();
    this.#stream.write(`${line}\n`);
  }

  /** Takes the bar away. */
  close(): void {
    if (this.#isLineOpen) this.#stream.write('\r\x1b[K');
    this.#isLineOpen = false;
  }

  #step(step: number): void {
    if (this.#stream.isTTY) {
      if (performance.now() - this.#drawnAt < REDRAW) return;
      this.#drawnAt = performance.now();
      this.#draw(`${this.#bar(step)}${this.#words(step)}${this.#timeLeft(step)}`);
      return;
    }
    const every = this.#target ? Math.ceil(this.#target / LOG_LINES) : LOG_EVERY;
    if (step === 1 || step === this.#target || step % every === 0) this.note(this.#words(step));
  }

  #draw(text: string): void {
    // A terminal that does not know its width says 0.
    const columns = this.#stream.columns || DEFAULT_COLUMNS;
    this.#stream.write(`\r${text.slice(0, columns - 1)}\x1b[K`);
    this.#isLineOpen = true;
  }

  #bar(step: number): string {
    if (!this.#target) return '';
    const full = Math.floor((BAR_WIDTH * step) / this.#target);
    return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `;
  }

  #words(step: number): string {
    const total = this.#target ? ` of ${grouped(this.#target)}` : '';
    const shown = (
      ['train.loss', 'eval.bitsPerByte', 'router.maxVio', 'needle.accuracy'] as const
    ).flatMap((name) => {
      const value = this.#values[name];
      return value === undefined ? [] : [metricWords(name, value)];
    });
    return [`step ${grouped(step)}${total}`, ...shown].join(' · ');
  }

  #timeLeft(step: number): string {
    const stepTime = this.#values['train.stepTime'];
    if (!this.#target || stepTime === undefined) return '';
    return ` · ${clock(((this.#target - step) * stepTime) / 1000)} left`;
  }
}
