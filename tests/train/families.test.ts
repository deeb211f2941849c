/**
 * @file Every way of building a layer, as a whole tiny model: it trains, and generation over its cache says what the
 * forward pass over the whole text says.
 */
import { describe, expect, it } from 'vitest';
import { createBatchSource } from '@/engine/data/source';
import { Session } from '@/engine/train/session';
import { openLab } from '../support/lab';
import { tinyModels } from '../support/tinyModels';

const lab = openLab();

describe.each(tinyModels)('%s', (_, settings) => {
  it('learns, and generates what the forward pass finds likeliest', async () => {
    const session = await Session.create(lab.open(), settings, 7);
    const source = createBatchSource(settings, {}, undefined);
    await session.stepper.start(settings.run.seed);
    const losses: number[] = [];
    const wishes = {};
    for (let step = 0; step < 30; step++) {
      const inputs = { step, batches: [await source.next()], settings };
      losses.push((await session.stepper.step(inputs, wishes, 1)).crossEntropy);
    }
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.5);

    // longer than the window, greedy
    const prompt = new TextEncoder().encode('12 + 34 = ');
    const length = 32;
    session.setText(prompt);
    for (let position = 0; position < length - 1; position++) {
      const draw = { position, promptLength: prompt.length, random: 0.5, inverseTemperature: 0 };
      session.generateToken(draw);
    }
    const tokens = (await session.readText()).slice(0, length);
    const column = session.assembly.needles.findIndex((needle) => needle.length >= length);
    const text = {
      tokens,
      answerStart: prompt.length,
      answerLength: length - prompt.length,
      keys: 1,
    };
    const [found] = await session.findNeedles(column, [text]);
    expect(found!.isFound, String(tokens)).toBe(true);
    session.destroy();
  });
});
