/** @file Which rows of the settings table stand where in the rail: each of them once. */
import type { SettingPath, Settings } from '@/engine/config/settings';
import { liveFolds, phaseFold, runFolds } from './folds';

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
export const lossPaths: readonly SettingPath[] = [
  'loss.zWeight',
  'loss.sequenceBalance',
  'loss.switchBalance',
];

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

/** Shares of the mixture, in the order of their colours. */
export const mixturePaths: readonly SettingPath[] = [
  'data.novelWeight',
  'data.speechesWeight',
  'data.codeWeight',
  'data.arithmeticWeight',
  'data.recallWeight',
  'data.ownTextWeight',
];

/** What stands under the shares of the mixture. */
export const mixtureExtras: readonly SettingPath[] = ['data.recallPairs'];

/** Every place of the rail, and whether what stands there is obeyed by a running run. */
export const places: readonly {
  readonly isLive: boolean;
  readonly paths: readonly SettingPath[];
}[] = [
  {
    isLive: true,
    paths: ['balance.kind', ...Object.values(balancerConstants).flat(), ...ratePaths, ...lossPaths],
  },
  { isLive: false, paths: [...modelPaths, ...mixturePaths, ...mixtureExtras] },
  ...[...runFolds, phaseFold].map(({ paths }) => ({ isLive: false, paths })),
  ...liveFolds.map(({ paths }) => ({ isLive: true, paths })),
];
