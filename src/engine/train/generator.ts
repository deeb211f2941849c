/** @file Continues a prompt token by token, a few tokens at a time, so that training goes on in between. */
import { Random } from '@/engine/math/random';
import type { GenerateRequest, Sample } from './commands';
import type { Session } from './session';

/** Tokens between two training steps. */
const TOKENS_PER_SLICE = 16;

/** A text in the making. */
export class Generation {
  readonly #prompt: Uint8Array;
  readonly #length: number;
  readonly #random: Random;
  readonly #started = performance.now();
  #position = 0;

  /** @param step finished steps when it began. */
  constructor(
    readonly session: Session,
    readonly request: GenerateRequest,
    readonly step: number,
  ) {
    const capacity = session.textCapacity;
    const bytes = new TextEncoder().encode(request.prompt);
    // Something must go in first: a document's end, after which a new one begins.
    const prompt = bytes.length > 0 ? bytes : new Uint8Array([0]);
    this.#prompt = prompt.slice(Math.max(0, prompt.length - Math.floor(capacity / 2)));
    this.#length = Math.min(capacity, this.#prompt.length + request.length);
    this.#random = Random.seeded(request.seed).split('generation');
  }

  /** Submits the next tokens; true when the text is complete. */
  advance(): boolean {
    // Not before its turn: texts share one buffer.
    if (this.#position === 0) this.session.setText(this.#prompt);
    const end = Math.min(this.#length - 1, this.#position + TOKENS_PER_SLICE);
    const { temperature } = this.request;
    for (; this.#position < end; this.#position++) {
      this.session.generateToken({
        position: this.#position,
        promptLength: this.#prompt.length,
        random: this.#random.unit(),
        inverseTemperature: temperature > 0 ? 1 / temperature : 0,
      });
    }
    return this.#position >= this.#length - 1;
  }

  /** Reads the text back. */
  async finish(): Promise<Sample> {
    const tokens = await this.session.readText();
    const { prompt, temperature, seed } = this.request;
    const bytes = Uint8Array.from(tokens.subarray(this.#prompt.length, this.#length));
    return {
      step: this.step,
      prompt,
      text: new TextDecoder().decode(bytes),
      length: bytes.length,
      temperature,
      seed,
      elapsedMs: performance.now() - this.#started,
    };
  }
}
