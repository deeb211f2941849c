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
    'Mean over the tokens of the batch.',
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
  'train.gradientNorm': metric('gradient norm', '', 3, 'Global L2 norm before clipping.'),
  'train.clipScale': metric('clip scale', '×', 3, 'Factor that clipping put on the gradient.'),
  'train.muonLearningRate': metric('Muon rate', '', 6, 'Rate of this step after the schedule.'),
  'train.adamwLearningRate': metric('AdamW rate', '', 6, 'Rate of this step after the schedule.'),
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
  'router.deadExperts': metric(
    'idle experts',
    'experts',
    0,
    'Experts without a token in this step, all layers.',
  ),
  'router.biasNorm': metric('bias norm', '', 5, 'L2 norm of the router biases, all layers.'),
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
