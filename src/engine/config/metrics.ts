/**
 * @file Every measured scalar, in one table: its name on the page (`data-metric`), in events and in
 * JSON lines, with unit and meaning. Arrays (loads, biases, maps) travel as events of their own.
 */

export interface Metric {
  readonly label: string;
  readonly unit: string;
  readonly help: string;
  /** Digits after the point on the page; the full value stands in `data-value`. */
  readonly digits: number;
}

const metric = (label: string, unit: string, digits: number, help: string): Metric => ({
  label,
  unit,
  digits,
  help,
});

export const metrics = {
  'train.step': metric('step', '', 0, 'Optimizer steps finished.'),
  'train.loss': metric('loss', 'nats', 4, 'Total training loss of the step, all parts together.'),
  'train.crossEntropy': metric(
    'cross-entropy',
    'nats/token',
    4,
    'Mean over the tokens of the step.',
  ),
  'train.bitsPerByte': metric(
    'train',
    'bits/byte',
    3,
    'Cross-entropy over ln 2; a token is a byte.',
  ),
  'train.zLoss': metric('z-loss', 'nats', 7, 'Weight times the mean squared log-sum-exp.'),
  'train.sequenceBalance': metric(
    'sequence balance',
    'nats',
    7,
    'Weight times the balance loss, summed over layers.',
  ),
  'train.switchBalance': metric(
    'switch balance',
    'nats',
    7,
    'Weight times the balance loss over the micro-batch, summed over layers.',
  ),
  'train.gradientNorm': metric('gradient norm', '', 3, 'Global L2 norm before clipping.'),
  'train.clipScale': metric('clip scale', '×', 3, 'Factor that clipping put on the gradient.'),
  'train.muonLearningRate': metric('Muon rate', '', 6, 'Rate of this step after the schedule.'),
  'train.adamwLearningRate': metric('AdamW rate', '', 6, 'Rate of this step after the schedule.'),
  'train.microBatches': metric('micro-batches', '', 0, 'Batches whose gradients made this step.'),
  'train.batchHet': metric(
    'BatchHet',
    'nats',
    4,
    'Largest minus mean cross-entropy over the micro-batches of the step.',
  ),
  'train.lossVariance': metric(
    'loss variance',
    'nats²',
    5,
    'Mean squared change of the cross-entropy from step to step, halved; over the last 200 steps.',
  ),
  'train.gradientKurtosis': metric(
    'kurtosis',
    '',
    2,
    'Fourth over squared second central moment of the gradient norm; over the last 200 steps. 3 is normal.',
  ),
  'train.spikes': metric(
    'spikes',
    '',
    0,
    'Steps so far whose loss stood far above those before it.',
  ),
  'train.maxLogit': metric(
    'max logit',
    '',
    2,
    'Largest logit of the step, over tokens with a target.',
  ),
  'train.meanLogit': metric(
    'mean logit',
    '',
    3,
    'Mean of all logits of the step, over tokens with a target.',
  ),
  'train.tokensPerSecond': metric(
    'throughput',
    'tok/s',
    0,
    'Tokens trained a second, over the last steps.',
  ),
  'train.stepTime': metric('step time', 'ms', 1, 'Wall time of a step, over the last steps.'),
  'eval.crossEntropy': metric('held out', 'nats/token', 4, 'Mean over held-out text, all domains.'),
  'eval.bitsPerByte': metric('held out', 'bits/byte', 3, 'Held-out cross-entropy over ln 2.'),
  'router.maxVio': metric(
    'MaxVio',
    '',
    3,
    '(busiest − mean) / mean tokens of an expert; worst layer.',
  ),
  'router.meanMaxVio': metric('mean MaxVio', '', 3, 'MaxVio averaged over the mixture layers.'),
  'router.globalMaxVio': metric(
    'global MaxVio',
    '',
    3,
    'MaxVio of the load summed over all held-out text; worst layer.',
  ),
  'router.batchMaxVio': metric(
    'batch MaxVio',
    '',
    3,
    'MaxVio of each held-out batch, averaged over the batches; worst layer.',
  ),
  'router.utilisation': metric(
    'utilisation',
    '%',
    1,
    'Experts with at least one token in this step, in per cent of all; mean over layers.',
  ),
  'router.loadVariation': metric(
    'load CV',
    '',
    3,
    'Coefficient of variation of the load: deviation over mean; mean over layers.',
  ),
  'router.loadEntropy': metric(
    'load entropy',
    '',
    3,
    'Entropy of the load over ln E; 1 is a perfect balance. Mean over layers.',
  ),
  'router.margin': metric(
    'selection margin',
    '',
    4,
    'Selection score of the last chosen minus that of the first unchosen expert; mean over tokens and layers.',
  ),
  'router.recycled': metric(
    'full experts',
    '%',
    2,
    'Tokens that found their expert full, in per cent of the last micro-batch; mean over layers.',
  ),
  'router.deadExperts': metric(
    'idle experts',
    '',
    0,
    'Experts without a token in this step, all layers.',
  ),
  'router.biasNorm': metric('bias norm', '', 5, 'L2 norm of the router biases, all layers.'),
  'router.momentumNorm': metric(
    'momentum norm',
    '',
    6,
    'L2 norm of the momentum of the router biases, all layers.',
  ),
  'memory.deviceBytes': metric(
    'memory',
    'bytes',
    0,
    'Bytes of every buffer that the run allocated.',
  ),
  'needle.accuracy': metric(
    'needles found',
    '%',
    1,
    'Share found inside the training length, in per cent.',
  ),
  'needle.accuracyBeyond': metric(
    'found beyond',
    '%',
    1,
    'Share found beyond the training length, in per cent.',
  ),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;
export type MetricValues = Readonly<Partial<Record<MetricName, number>>>;
