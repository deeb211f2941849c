/**
 * @file One contender in a process of its own, which works only while it is asked: the parent sends a turn, the
 * contender answers with its times. Turns alternate, so a machine that grows busy slows all of them.
 */

/**
 * @typedef {import('./problem.mjs').Shape} Shape
 * @typedef {import('./problem.mjs').Product} Product
 * @typedef {{ kind: 'prepare', shape: Shape } | { kind: 'steps', count: number }
 *   | { kind: 'split' } | { kind: 'product', product: Product, repeats: number }} Turn
 */

/**
 * What a library has to offer. `prepare` makes a fresh model; `step` trains once and gives the loss before the
 * step; `product` gives a runner: it multiplies so many times, waits, and `sample` reads the result's first row.
 * `split` gives the device time of one more step by kernel, where a library can tell.
 *
 * @typedef {object} Contender
 * @property {(shape: Shape) => Promise<void> | void} prepare
 * @property {() => Promise<number>} step
 * @property {() => Promise<unknown>} [split]
 * @property {(product: Product) => Promise<{ run: (repeats: number) => Promise<void>, sample: () => Promise<ArrayLike<number>>, free: () => void }>} product
 */

/** @param {Contender} contender */
export function serve(contender) {
  process.on('message', (/** @type {Turn} */ turn) => {
    answer(contender, turn).then(
      (value) => process.send?.({ value }),
      (error) => process.send?.({ error: String(error?.stack ?? error) }),
    );
  });
  // Without a parent there is nobody to work for, in the middle of a turn or not.
  process.on('disconnect', () => process.exit());
  process.send?.({ value: 'ready' });
}

/**
 * @param {Contender} contender
 * @param {Turn} turn
 */
async function answer(contender, turn) {
  if (turn.kind === 'prepare') return contender.prepare(turn.shape);
  if (turn.kind === 'split') return contender.split?.();
  return turn.kind === 'steps' ? steps(contender, turn.count) : product(contender, turn);
}

/**
 * @param {Contender} contender
 * @param {number} count
 */
async function steps(contender, count) {
  const times = [];
  const losses = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    losses.push(await contender.step());
    times.push(performance.now() - start);
  }
  return { times, losses };
}

/**
 * @param {Contender} contender
 * @param {{ product: Product, repeats: number }} turn
 */
async function product(contender, { product, repeats }) {
  const runner = await contender.product(product);
  await runner.run(1);
  const start = performance.now();
  await runner.run(repeats);
  const time = (performance.now() - start) / repeats;
  const sample = [...Array.from(await runner.sample())];
  runner.free();
  return { time, sample };
}
