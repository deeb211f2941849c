/** @file Which rows of the settings table stand where in the rail. Rows that are not named here are in folds. */
import type { Settings } from '@/engine/config/settings';
import { isLive, type SettingPath, settingRows } from '@/engine/config/settings';

/** Constants of each balancer; those of another one are not shown. */
export const balancerConstants: Readonly<
  Record<Settings['balance']['kind'], readonly SettingPath[]>
> = {
  none: [],
  sign: ['balance.gamma', 'balance.recentre'],
  smebu: ['balance.lambda', 'balance.beta', 'balance.kappa'],
  forced: [],
};

/** Live rows in the open. */
export const ratePaths: readonly SettingPath[] = [
  'optimizer.muonLearningRate',
  'optimizer.adamwLearningRate',
];
export const lossPaths: readonly SettingPath[] = ['loss.zWeight', 'loss.sequenceBalance'];

/** Rows in the open that start a new run. */
export const modelPaths: readonly SettingPath[] = [
  'model.layerCount',
  'model.width',
  'model.expertCount',
  'model.expertsPerToken',
  'data.contextLength',
  'model.window',
  'data.batchSequences',
];

export const mixturePaths: readonly SettingPath[] = [
  'data.novelWeight',
  'data.speechesWeight',
  'data.codeWeight',
  'data.arithmeticWeight',
  'data.recallWeight',
  'data.ownTextWeight',
];

const shown = new Set<SettingPath>([
  'balance.kind',
  ...Object.values(balancerConstants).flat(),
  ...ratePaths,
  ...lossPaths,
  ...modelPaths,
  ...mixturePaths,
]);

/** Rows of the table that stand nowhere in the open, of one group, live or not. */
export const remainingPaths = (group: keyof Settings, live: boolean): SettingPath[] =>
  settingRows
    .map(([path]) => path)
    .filter((path) => path.startsWith(`${group}.`) && !shown.has(path) && isLive(path) === live);

/** Groups of the table in its order, with a title for each. */
export const groupTitles: Readonly<Record<keyof Settings, string>> = {
  model: 'Architecture',
  data: 'Packing',
  phase2: 'Mixture, phase 2',
  phase3: 'Mixture, phase 3',
  optimizer: 'Optimizer',
  schedule: 'Schedule',
  balance: 'Balance',
  loss: 'Loss',
  probes: 'Probes',
  run: 'Seed',
};

export const groups = Object.keys(groupTitles) as (keyof Settings)[];
