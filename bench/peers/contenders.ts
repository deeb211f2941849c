/** @file Contenders as the parent sees them: a process each, which works while it has a turn and rests else. */
import { type ChildProcess, fork } from 'node:child_process';
import type { TimedUse } from '../stepRun';
import type { Product, Shape } from './problem.mjs';

type Reply = { readonly value: unknown } | { readonly error: string };

/** Times in ms and losses before each step, in order. */
export interface Steps {
  readonly times: readonly number[];
  readonly losses: readonly number[];
}

export class Contender {
  private constructor(
    readonly name: string,
    readonly process: ChildProcess,
  ) {}

  /** Starts the process in the folder of its packages and waits until it has its device. */
  static async start(name: string, file: string): Promise<Contender> {
    // What the drivers say on the way is no result.
    const child = fork(file, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const contender = new Contender(name, child);
    await contender.#reply();
    return contender;
  }

  /** Makes a fresh model. */
  async prepare(shape: Shape): Promise<void> {
    await this.#ask({ kind: 'prepare', shape });
  }

  async steps(count: number): Promise<Steps> {
    return (await this.#ask({ kind: 'steps', count })) as Steps;
  }

  /** Device time of one step by kernel; undefined where the library cannot tell. */
  async split(): Promise<readonly TimedUse[] | undefined> {
    return (await this.#ask({ kind: 'split' })) as readonly TimedUse[] | undefined;
  }

  /** Mean time of one product in ms, and the first row of the result. */
  async product(product: Product, repeats: number): Promise<{ time: number; sample: number[] }> {
    return (await this.#ask({ kind: 'product', product, repeats })) as {
      time: number;
      sample: number[];
    };
  }

  stop(): void {
    this.process.kill();
  }

  #ask(turn: object): Promise<unknown> {
    const reply = this.#reply();
    this.process.send(turn);
    return reply;
  }

  /** The next message. @throws {Error} with the contender's own words where it failed or went away */
  #reply(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let words = '';
      const hear = (chunk: Buffer) => {
        words += chunk;
      };
      const finish = () => {
        this.process.off('message', take).off('exit', leave);
        this.process.stderr?.off('data', hear);
      };
      const take = (reply: Reply) => {
        finish();
        if ('error' in reply) reject(new Error(`${this.name}: ${reply.error}`));
        else resolve(reply.value);
      };
      const leave = (code: number | null) => {
        finish();
        reject(new Error(`${this.name}: its process ended (${code})\n${words}`));
      };
      this.process.on('message', take).on('exit', leave);
      this.process.stderr?.on('data', hear);
    });
  }
}
