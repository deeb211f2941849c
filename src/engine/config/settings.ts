/**
 * @file Every setting of a run, in one table. `Settings`, the checks, the form, the link, the
 * command line and docs/settings.md come from it.
 *
 * "Trinity" in a source is the Arcee Trinity Large technical report, arXiv:2602.17004; its equation
 * numbers are those of the report.
 */
import {
  type BoolField,
  bool,
  type ChoiceField,
  choice,
  type Field,
  type FloatField,
  float,
  type IntField,
  int,
  type TextField,
  text,
  type Value,
} from './field';

export const settings = {
  model: {
    vocabSize: int({
      label: 'Vocabulary',
      default: 256,
      min: 2,
      max: 262_144,
      unit: 'tokens',
      help: 'Rows of the embedding and of the head; 256 for bytes.',
    }),
    layerCount: int({
      label: 'Layers',
      default: 4,
      min: 1,
      max: 128,
      unit: 'layers',
      help: 'Transformer blocks, dense and mixture together.',
      source: 'Trinity, Table 1',
    }),
    denseLayerCount: int({
      label: 'Dense layers first',
      default: 1,
      min: 0,
      max: 128,
      unit: 'layers',
      help: 'Leading blocks with one dense feed-forward instead of experts.',
      source: 'Trinity, Table 1',
    }),
    width: int({
      label: 'Width',
      default: 64,
      min: 4,
      max: 8192,
      unit: 'dims',
      help: 'Width of the residual stream (D).',
      source: 'Trinity, Table 1',
    }),
    headCount: int({
      label: 'Query heads',
      default: 4,
      min: 1,
      max: 128,
      unit: 'heads',
      help: 'Query heads of each attention layer (H).',
      source: 'Trinity, Table 1',
    }),
    kvHeadCount: int({
      label: 'Key-value heads',
      default: 2,
      min: 1,
      max: 128,
      unit: 'heads',
      help: 'Keys and values shared by groups of query heads (G); must divide the query heads.',
      source: 'Trinity, Table 1',
    }),
    headWidth: int({
      label: 'Head width',
      default: 16,
      min: 2,
      max: 256,
      unit: 'dims',
      help: 'Channels of one head (C); even, because rotary positions turn pairs.',
      source: 'Trinity, Table 1',
    }),
    globalEvery: int({
      label: 'Global every',
      default: 4,
      min: 0,
      max: 128,
      unit: 'layers',
      help: 'Every n-th layer sees everything and has no positions; the others see a window. 0: all local.',
      source: 'Trinity, eq. 6–8',
    }),
    window: int({
      label: 'Local window',
      default: 32,
      min: 1,
      max: 131_072,
      unit: 'tokens',
      help: 'Keys that a token of a local layer may see, itself included.',
      source: 'Trinity, eq. 6–8',
    }),
    ropeTheta: float({
      label: 'Rotary base',
      default: 10_000,
      min: 1,
      max: 1e12,
      unit: '',
      log: true,
      help: 'Base of the rotary angles of local layers.',
      source: 'Trinity; arXiv:2104.09864',
    }),
    denseWidth: int({
      label: 'Dense hidden width',
      default: 128,
      min: 1,
      max: 65_536,
      unit: 'dims',
      help: 'Hidden width of the dense feed-forward blocks.',
      source: 'Trinity, Table 1',
    }),
    expertCount: int({
      label: 'Experts',
      default: 16,
      min: 1,
      max: 512,
      unit: 'a layer',
      help: 'Routed experts of a mixture layer (E).',
      source: 'Trinity, eq. 15',
    }),
    expertsPerToken: int({
      label: 'Experts per token',
      default: 2,
      min: 1,
      max: 64,
      unit: 'experts',
      help: 'Experts that a token visits (K). This sets the cost.',
      source: 'Trinity, eq. 16',
    }),
    sharedExpertCount: int({
      label: 'Shared experts',
      default: 1,
      min: 0,
      max: 8,
      unit: 'experts',
      help: 'Experts that every token visits besides.',
      source: 'Trinity, eq. 15',
    }),
    expertWidth: int({
      label: 'Expert hidden width',
      default: 32,
      min: 1,
      max: 65_536,
      unit: 'dims',
      help: 'Hidden width of one expert (F).',
      source: 'Trinity, Table 1',
    }),
    routeScale: float({
      label: 'Route scale',
      default: 2.826,
      min: 0,
      max: 100,
      unit: '×',
      help: 'Multiplies the normalised gate weights of the routed experts.',
      source: 'Trinity, Table 1',
    }),
    normEps: float({
      label: 'Norm epsilon',
      default: 1e-5,
      min: 1e-12,
      max: 1,
      unit: '',
      log: true,
      help: 'Added under the root of every RMSNorm.',
      source: 'Trinity checkpoints',
    }),
    embeddingMultiplier: bool({
      label: 'Embedding times √D',
      default: true,
      help: 'Multiplies the embedding output by the square root of the width.',
      source: 'Trinity, eq. 39',
    }),
    initScale: float({
      label: 'Initial spread',
      default: 0.5,
      min: 0,
      max: 10,
      unit: '/√D',
      help: 'Standard deviation of every initial matrix, times √D; cut at three of them.',
      source: 'Trinity, eq. 37–38',
    }),
  },
  data: {
    contextLength: int({
      label: 'Context',
      default: 128,
      min: 2,
      max: 131_072,
      unit: 'tokens',
      help: 'Tokens of one training sequence (S). Documents are packed into it.',
    }),
    batchSequences: int({
      label: 'Batch',
      default: 8,
      min: 1,
      max: 4096,
      unit: 'sequences',
      help: 'Sequences of one optimizer step (B).',
    }),
    intraDocumentMask: bool({
      label: 'Mask other documents',
      default: true,
      help: 'A token sees only tokens of its own document.',
      source: 'Trinity, 6',
    }),
    novelWeight: float({
      label: 'Novel',
      default: 0.3,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of Moby-Dick in the mixture.',
    }),
    speechesWeight: float({
      label: 'Speeches',
      default: 0.2,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of State of the Union addresses in the mixture.',
    }),
    codeWeight: float({
      label: 'Code',
      default: 0.2,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of JavaScript source (lodash-es) in the mixture.',
    }),
    arithmeticWeight: float({
      label: 'Arithmetic',
      default: 0.15,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of generated sums with worked steps in the mixture.',
    }),
    recallWeight: float({
      label: 'Recall',
      default: 0.15,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of generated key-value recall in the mixture: it teaches the needle probe.',
    }),
    ownTextWeight: float({
      label: 'Your text',
      default: 0,
      min: 0,
      max: 1000,
      unit: 'parts',
      help: 'Share of the text that you added. It never leaves this page.',
    }),
    recallPairs: int({
      label: 'Recall pairs',
      default: 4,
      min: 1,
      max: 32,
      unit: 'pairs',
      help: 'Most key-value pairs hidden in one recall document.',
    }),
  },
  optimizer: {
    muonLearningRate: float({
      label: 'Muon learning rate',
      default: 0.02,
      min: 0,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Peak rate of the hidden matrices.',
      source: 'Trinity, 3.4.2, eq. 41',
    }),
    adamwLearningRate: float({
      label: 'AdamW learning rate',
      default: 3e-3,
      min: 0,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Peak rate of embedding, head and gains.',
      source: 'Trinity, 3.4.2',
    }),
    muonMomentum: float({
      label: 'Muon momentum',
      default: 0.95,
      min: 0,
      max: 0.9999,
      unit: '',
      live: true,
      help: 'Share of the momentum kept from step to step. Not in the report; 0.95 is the Dion default.',
    }),
    muonNesterov: bool({
      label: 'Nesterov',
      default: true,
      live: true,
      help: 'Looks one step ahead: orthogonalises gradient plus momentum.',
    }),
    muonWeightDecay: float({
      label: 'Muon weight decay',
      default: 0.01,
      min: 0,
      max: 10,
      unit: '',
      live: true,
      help: 'Decoupled decay of the hidden matrices, times their rate. Not in the report; Dion default.',
    }),
    newtonSchulz: choice(['classic', 'dion'], {
      label: 'Newton–Schulz',
      default: 'classic',
      live: true,
      help: 'Coefficients of the five orthogonalising steps. Which one Trinity used is unknown.',
      optionHelp: {
        classic: '3.4445, −4.7750, 2.0315, five times.',
        dion: 'One triple for each step, from microsoft/dion.',
      },
    }),
    routerOptimizer: choice(['muon', 'adamw'], {
      label: 'Router matrix',
      default: 'muon',
      help: 'Which optimizer moves the router. The report says Muon for hidden layers and does not name it.',
    }),
    adamwBeta1: float({
      label: 'AdamW β₁',
      default: 0.9,
      min: 0,
      max: 0.9999,
      unit: '',
      live: true,
      help: 'Decay of the first moment.',
    }),
    adamwBeta2: float({
      label: 'AdamW β₂',
      default: 0.95,
      min: 0,
      max: 0.99999,
      unit: '',
      live: true,
      help: 'Decay of the second moment.',
    }),
    adamwEps: float({
      label: 'AdamW epsilon',
      default: 1e-8,
      min: 1e-12,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Added to the root of the second moment.',
    }),
    adamwWeightDecay: float({
      label: 'AdamW weight decay',
      default: 0.1,
      min: 0,
      max: 10,
      unit: '',
      live: true,
      help: 'Decoupled decay of embedding and head.',
    }),
    normWeightDecay: float({
      label: 'Gain weight decay',
      default: 0,
      min: 0,
      max: 10,
      unit: '',
      live: true,
      help: 'Decoupled decay of the norm gains.',
    }),
    gradientClip: float({
      label: 'Gradient clip',
      default: 1,
      min: 0,
      max: 1e6,
      unit: 'norm',
      live: true,
      help: 'Largest global gradient norm; longer gradients are scaled down. 0 turns it off.',
    }),
  },
  schedule: {
    warmupSteps: int({
      label: 'Warm-up',
      default: 20,
      min: 0,
      max: 1_000_000,
      unit: 'steps',
      live: true,
      help: 'Rates grow linearly from 0 over these steps.',
      source: 'Trinity, 3.4.2',
    }),
    decay: choice(['none', 'linear', 'cosine'], {
      label: 'Decay',
      default: 'none',
      live: true,
      help: 'How rates fall after the decay starts.',
      source: 'Trinity, 3.4.2',
    }),
    decayStart: int({
      label: 'Decay starts',
      default: 1000,
      min: 0,
      max: 10_000_000,
      unit: 'step',
      live: true,
      help: 'Step at which rates begin to fall.',
    }),
    totalSteps: int({
      label: 'Decay ends',
      default: 2000,
      min: 1,
      max: 10_000_000,
      unit: 'step',
      live: true,
      help: 'Step at which rates reach their final share.',
    }),
    finalRatio: float({
      label: 'Final share',
      default: 0.1,
      min: 0,
      max: 1,
      unit: '× peak',
      live: true,
      help: 'Share of the peak rate left at the end.',
    }),
  },
  balance: {
    kind: choice(['none', 'sign', 'smebu'], {
      label: 'Balancer',
      default: 'smebu',
      live: true,
      help: 'How router biases are moved so that every expert gets its share of tokens.',
      source: 'Trinity, eq. 19–28',
      optionHelp: {
        none: 'Biases stay where they are. Experts may collapse: watch the load.',
        sign: 'Fixed steps towards balance, then centred.',
        smebu: 'Steps shrink as the load evens out, with momentum.',
      },
    }),
    gamma: float({
      label: 'step γ',
      default: 5e-3,
      min: 0,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Size of the sign rule’s step. Trinity Nano and Mini ship 1e-3.',
      source: 'Trinity, eq. 19–22',
    }),
    lambda: float({
      label: 'step λ',
      default: 5e-3,
      min: 0,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Size of the SMEBU step. The report’s 5e-4 is ten times too slow for a short run.',
      source: 'Trinity, eq. 23–28',
    }),
    beta: float({
      label: 'momentum β',
      default: 0.5,
      min: 0,
      max: 0.9999,
      unit: '',
      live: true,
      help: 'Share of the bias momentum kept from step to step.',
      source: 'Trinity, eq. 27',
    }),
    kappa: float({
      label: 'clamp κ',
      default: 2,
      min: 0,
      max: 100,
      unit: '',
      live: true,
      help: 'Steepness of the soft clamp: larger comes closer to the sign rule.',
      source: 'Trinity, eq. 24',
    }),
  },
  loss: {
    zWeight: float({
      label: 'z-loss weight',
      default: 1e-6,
      min: 0,
      max: 1,
      unit: '',
      log: true,
      live: true,
      help: 'Pulls the log-sum-exp of the logits towards 0.',
      source: 'Trinity, 3.3 and 6',
    }),
    sequenceBalance: float({
      label: 'sequence balance α',
      default: 1e-4,
      min: 0,
      max: 10,
      unit: '',
      log: true,
      live: true,
      help: 'Weight of the sequence-wise balance loss.',
      source: 'Trinity, eq. 29–32',
    }),
  },
  probes: {
    evalEvery: int({
      label: 'Held-out every',
      default: 20,
      min: 0,
      max: 1_000_000,
      unit: 'steps',
      live: true,
      help: 'Steps between two measurements on held-out text; 0 is off.',
    }),
    needleEvery: int({
      label: 'Needles every',
      default: 100,
      min: 0,
      max: 1_000_000,
      unit: 'steps',
      live: true,
      help: 'Steps between two needle grids; 0 is off.',
    }),
    needleTrials: int({
      label: 'Needle trials',
      default: 16,
      min: 1,
      max: 1024,
      unit: 'a cell',
      live: true,
      help: 'Texts tried for each cell of the needle grid.',
    }),
    needleKeys: int({
      label: 'Needle keys',
      default: 1,
      min: 1,
      max: 32,
      unit: 'keys',
      live: true,
      help: 'Key-value pairs hidden in one text; one of them is asked for.',
    }),
    sampleEvery: int({
      label: 'Samples every',
      default: 50,
      min: 0,
      max: 1_000_000,
      unit: 'steps',
      live: true,
      help: 'Steps between two generated samples; 0 is off.',
    }),
    samplePrompt: text({
      label: 'Sample prompt',
      default: 'The captain ',
      maxLength: 400,
      live: true,
      help: 'What the samples continue.',
    }),
    sampleLength: int({
      label: 'Sample length',
      default: 96,
      min: 1,
      max: 4096,
      unit: 'bytes',
      live: true,
      help: 'Bytes generated for one sample.',
    }),
    sampleTemperature: float({
      label: 'Temperature',
      default: 0.8,
      min: 0,
      max: 5,
      unit: '',
      live: true,
      help: '0 always takes the likeliest byte; higher is freer.',
    }),
  },
  run: {
    seed: int({
      label: 'Seed',
      default: 7,
      min: 0,
      max: 4_294_967_295,
      unit: '',
      help: 'Decides initial weights, data order and samples. Same seed, same adapter: same bits.',
    }),
  },
} as const satisfies Record<string, Record<string, Field>>;

type ValueOf<F> =
  F extends ChoiceField<infer T>
    ? T
    : F extends IntField | FloatField
      ? number
      : F extends BoolField
        ? boolean
        : F extends TextField
          ? string
          : never;
type ValuesOf<T> = { readonly [G in keyof T]: { readonly [K in keyof T[G]]: ValueOf<T[G][K]> } };

/** A value for every row of the table. */
export type Settings = ValuesOf<typeof settings>;
/** Values for some rows; every other keeps what it stands on. */
export type SettingsChanges = {
  readonly [G in keyof Settings]?: { readonly [K in keyof Settings[G]]?: Settings[G][K] };
};

/** `group.name` of a row. */
export type SettingPath = {
  [G in keyof Settings & string]: `${G}.${keyof Settings[G] & string}`;
}[keyof Settings & string];

/** Every row as [path, field], in table order. */
export const settingRows: readonly (readonly [SettingPath, Field])[] = Object.entries(
  settings,
).flatMap(([group, fields]) =>
  Object.entries(fields).map(
    ([name, field]) => [`${group}.${name}` as SettingPath, field] as const,
  ),
);

const fieldsByPath = new Map<string, Field>(settingRows);

/** The row at `path`; undefined when no row has that name. */
export const fieldAt = (path: string): Field | undefined => fieldsByPath.get(path);

/** Whether a change of `path` takes effect in a running run. */
export const isLive = (path: SettingPath): boolean => fieldAt(path)?.live === true;

/** The value at `path`. */
export function valueAt(values: Settings, path: SettingPath): Value {
  const [group, name] = path.split('.') as [keyof Settings, string];
  return (values[group] as Readonly<Record<string, Value>>)[name]!;
}

/** A copy of `values` with one row replaced. */
export function withValue(values: Settings, path: SettingPath, value: Value): Settings {
  const [group, name] = path.split('.') as [keyof Settings, string];
  return { ...values, [group]: { ...values[group], [name]: value } };
}

/** The table's own values. */
export const defaultSettings: Settings = settingRows.reduce<Settings>(
  (values, [path, field]) => withValue(values, path, field.default),
  {} as Settings,
);
