/**
 * @file The engine's public names, and nothing else. It is handed a `GPU` and texts; it knows no page, no
 * worker and no global.
 */

export type { Experiment, LiveChange } from './config/experiment';
export { ConfigError, experimentOn, resolve } from './config/experiment';
export { decodeLink, encodeLink } from './config/link';
export type { MetricName, MetricValues } from './config/metrics';
export { metrics } from './config/metrics';
export type { Preset } from './config/presets';
export { presetById, presets } from './config/presets';
export {
  type SettingPath,
  type Settings,
  type SettingsChanges,
  settings,
  withValue,
} from './config/settings';
export type { Batch, BatchSource } from './data/batch';
export { type CorpusId, corpusIds, domainIds } from './data/domains';
export { createDataService, type DataService, type RunData } from './data/service';
export { CheckpointError } from './files/checkpointError';
export { type Destination, destinations, handOver } from './files/handOver';
export type { MemoryLimits } from './gpu/arena';
export { type OpenDevice, openDevice } from './gpu/device';
export {
  DeviceLostError,
  LimitError,
  NoAdapterError,
  NotFiniteError,
  NoWebGpuError,
  OutOfMemoryError,
  ShaderError,
} from './gpu/errors';
export { planRun } from './train/assembly';
export type * from './train/commands';
export { type ReplayOutcome, type ReplayTensor, replay, replayFile } from './train/replay';
export { readReplayFolder } from './train/replayFolder';
export type { ReplayStep } from './train/replayStep';
export { Session } from './train/session';
export { type GpuSource, Trainer } from './train/trainer';
export { Tuner, type TuningStore } from './tune/tuner';
