/**
 * @file Whole models and three training steps against PyTorch in float64. Relative error norm a tensor:
 * logits 1e-5, gradients 1e-4, movement of the weights 1e-3; expert ids and counts exact.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mixtureLayers } from '@/engine/config/layers';
import { checkpointTensors } from '@/engine/files/checkpoint';
import { biasNames } from '@/engine/files/names';
import { ActivationPool, planActivations } from '@/engine/gpu/planner';
import { Program } from '@/engine/gpu/program';
import { Tape } from '@/engine/gpu/tape';
import type { Tensor } from '@/engine/gpu/tensor';
import { headName } from '@/engine/model/parameters';
import { transformer } from '@/engine/model/transformer';
import { attention } from '@/engine/ops/attention';
import { linear } from '@/engine/ops/matmul';
import { setLiveValues } from '@/engine/train/liveValues';
import { attentionOptions } from '@/engine/train/recordStep';
import { Session } from '@/engine/train/session';
import type { StepNumbers } from '@/engine/train/stepNumbers';
import type { Stepper } from '@/engine/train/stepper';
import { relativeError } from '../support/close';
import { readGolden } from '../support/golden';
import { download, limitsOf, openLab } from '../support/lab';

const lab = openLab();

describe.each(['trinity-nano-like', 'trinity-large-like'])('%s', (name) => {
  const golden = readGolden(name);
  const { settings, batches, expected } = golden;
  const { model, data } = settings;
  let session: Session;
  let stepper: Stepper;

  beforeEach(async () => {
    session = await Session.create(lab.open(), settings, 1);
    stepper = session.stepper;
    await stepper.start(0);
    load();
  });
  afterEach(() => session.destroy());

  const write = ({ buffer, offset }: Tensor, start: number, values: Float32Array) =>
    lab
      .open()
      .device.queue.writeBuffer(buffer, offset + 4 * start, values as Float32Array<ArrayBuffer>);

  function load() {
    const { state } = stepper;
    for (const { spec, weight } of state.weights.entries()) {
      for (const part of checkpointTensors(model, spec))
        write(weight, part.start, golden.weights.get(part.name)!);
    }
    biasNames(model).forEach((bias, row) => {
      write(state.router.bias_LE, row * model.expertCount, golden.weights.get(bias)!);
    });
  }

  const read = async (tensor: Tensor) => Float32Array.from(await download(lab.open(), tensor));

  /** Largest relative error over all weights: of `pick`ed tensors against golden ones named by `nameOf`. */
  async function worstError(
    pick: 'weight' | 'gradient',
    nameOf: (part: string) => string,
    originOf: (part: string) => Float32Array | undefined = () => undefined,
  ) {
    let worst = { error: 0, name: '' };
    for (const entry of stepper.state.weights.entries()) {
      const values = await read(entry[pick]);
      for (const part of checkpointTensors(model, entry.spec)) {
        const want = expected.get(nameOf(part.name))!;
        const got = values.subarray(part.start, part.start + want.length);
        const error = relativeError(got, want, originOf(part.name));
        if (!(error <= worst.error)) worst = { error, name: part.name };
      }
    }
    return worst;
  }

  it('logits, scores, choices and gates', async () => {
    const { state, open } = stepper;
    const tape = new Tape();
    const output = transformer(tape, model, state.weights, {
      tokens_T: state.batch.tokens_T,
      positions: {
        table_PC: state.ropeTable_PC,
        sequenceLength: data.contextLength,
        position: state.blocks.position,
      },
      attend: (on, { q_TH, k_TG, v_TG, window }) =>
        attention(on, q_TH, k_TG, v_TG, state.batch.documents_T, attentionOptions(settings, window))
          .y_TH,
      sequenceLength: data.contextLength,
      state: {
        bias_LE: state.router.bias_LE,
        counts_LE: state.counts_LE,
        balanceLoss_LB: state.balanceLoss_LB,
        balance: state.blocks.balance,
      },
    });
    const logits = tape.keep(linear(tape, output.hidden_TD, state.weights.at(headName)));
    for (const { routed } of output.mixtures)
      for (const tensor of Object.values(routed)) tape.keep(tensor);
    const pool = new ActivationPool(limitsOf(open.device));
    planActivations(tape, pool);
    pool.materialise(open.device);
    const program = await Program.build(open.device, tape, state.live);
    stepper.write(batches[0]!);
    setLiveValues(state, settings, 0, 1);
    state.live.flush(open.device.queue);
    program.run();
    expect(relativeError(await read(logits), expected.get('logits')!)).toBeLessThan(1e-5);
    for (const { layer, routed } of output.mixtures) {
      expect(
        relativeError(await read(routed.scores_TE), expected.get(`router_scores/${layer}`)!),
      ).toBeLessThan(1e-5);
      expect(
        relativeError(await read(routed.gates_TK), expected.get(`gates/${layer}`)!),
      ).toBeLessThan(1e-5);
      expect([...(await read(routed.selected_TK))]).toEqual([
        ...expected.get(`selected_experts/${layer}`)!,
      ]);
    }
    for (const part of [program, pool]) part.destroy();
  });

  it('gradients, losses, counts, biases and weights over three steps', async () => {
    const { state } = stepper;
    const originOf = (part: string) => golden.weights.get(part);
    for (const [index, batch] of batches.entries()) {
      const numbers = await stepper.step(
        { step: index, batches: [batch], settings },
        { bias: true },
        1,
      );
      expectNumbers(numbers, index);
      if (index === 0) {
        const worst = await worstError('gradient', (part) => `grad/${part}`);
        expect(worst.error, worst.name).toBeLessThan(1e-4);
      }
      const rows = biasNames(model);
      rows.forEach((bias, row) => {
        const layer = mixtureLayers(model)[row]!;
        const part = (values: Float32Array) =>
          values.subarray(row * model.expertCount, (row + 1) * model.expertCount);
        const want = expected.get(`expert_bias/after${index + 1}/${layer}`)!;
        expect(relativeError(part(numbers.bias!.bias), want), bias).toBeLessThan(1e-5);
        const momentum = expected.get(`bias_momentum/after${index + 1}/${layer}`);
        if (momentum)
          expect(relativeError(part(numbers.bias!.momentum), momentum), bias).toBeLessThan(1e-5);
      });
      if (index !== 1) {
        const worst = await worstError(
          'weight',
          (part) => `param/after${index + 1}/${part}`,
          originOf,
        );
        expect(worst.error, `${worst.name} after step ${index + 1}`).toBeLessThan(1e-3);
      }
    }
    expect(state.bytes.weights).toBeGreaterThan(0);
  });

  function expectNumbers(numbers: StepNumbers, index: number) {
    const want = golden.steps[index]!;
    const close = (got: number, wanted: number, label: string) =>
      expect(
        Math.abs(got - wanted) / Math.abs(wanted),
        `${label}: ${got}, want ${wanted}`,
      ).toBeLessThan(1e-5);
    close(numbers.crossEntropy, want.loss['ce']!, 'cross-entropy');
    close(numbers.squaredLse, want.loss['z_raw']!, 'squared log-sum-exp');
    if (want.loss['seq_aux_raw'])
      close(numbers.sequenceBalance, want.loss['seq_aux_raw'], 'balance loss');
    close(numbers.gradientNorm, want.grad_norm, 'gradient norm');
    close(numbers.clipScale, want.clip_scale, 'clip scale');
    const counts = mixtureLayers(model).flatMap((layer) => want.expert_counts[layer]!);
    expect([...numbers.counts]).toEqual(counts);
    expect(numbers.isHalted).toBe(false);
  }
});
