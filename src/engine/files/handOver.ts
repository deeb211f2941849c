/**
 * @file A checkpoint on its way to other programs: the Hugging Face folder without what only the lab reads, a byte
 * tokenizer, and how to go on there.
 */
import { ConfigError, resolve } from '@/engine/config/experiment';
import { modelFromHuggingFace } from '@/engine/config/huggingFace';
import { inexpressible } from '@/engine/config/huggingFaceConfig';
import { defaultSettings, type Settings, withValue } from '@/engine/config/settings';
import { byteTokenizer } from './byteTokenizer';
import { type Folder, readJson, readTensors } from './folder';
import { type Contents, handOverReadme, loading, torchtitanReadme } from './handOverReadme';
import { matchWeights } from './match';
import { RECIPE_FILE, torchtitanRecipe } from './torchtitanRecipe';
import { readTrainerFile, type TrainerState } from './trainerFile';
import { ARGUMENTS_FILE, trainingArguments } from './trainingArguments';
import { SCRIPT_FILE, trainScript } from './trainScript';

export const destinations = ['transformers', 'torchtitan'] as const;
export type Destination = (typeof destinations)[number];

/** What others read of a checkpoint. */
const SHARED =
  /^((generation_config|tokenizer(_config)?)\.json|model(-\d+-of-\d+)?\.safetensors(\.index\.json)?)$/;

/**
 * Files by name.
 * @throws {CheckpointError} where the folder is no sound checkpoint
 * @throws {ConfigError} naming every setting that the family's own code cannot run, or what the destination lacks
 */
export function handOver(folder: Folder, destination: Destination): Map<string, Uint8Array> {
  const config = readJson(folder, 'config.json');
  const model = modelFromHuggingFace(config);
  const tensors = readTensors(folder, 'model');
  matchWeights(model, tensors);
  const state = readTrainerFile(folder);
  const settings = state ? settingsAt(state) : { ...defaultSettings, model };
  const limits = inexpressible(settings);
  if (limits.length > 0) {
    throw new ConfigError(`other programs would compute something else; ${limits.join('; ')}`);
  }
  const context = Number(config['max_position_embeddings']) || settings.data.contextLength;
  const isOwn = !state && folder.has('tokenizer.json');
  const contents: Contents = {
    contextLength: context,
    types: [...new Set([...tensors.values()].map(({ dtype }) => dtype))],
    tokenizer: isOwn ? 'own' : state ? 'bytes' : 'assumed',
  };
  const files = new Map([
    ['config.json', folder.get('config.json')!],
    ...[...folder].filter(([name]) => SHARED.test(name)),
    ...(isOwn ? [] : byteTokenizer(context)),
  ]);
  const write = (name: string, text: string) => files.set(name, new TextEncoder().encode(text));
  if (destination === 'transformers') {
    write('README.md', handOverReadme(settings, state, contents));
    if (model.family === 'hunyuan')
      write('config.json', asJson({ ...config, auto_map: releasedCode }));
    if (state) {
      write(ARGUMENTS_FILE, asJson(trainingArguments(settings, state.step)));
      write(SCRIPT_FILE, trainScript(settings, state.step, loading[model.family]));
    }
  } else {
    const run = torchtitanRun(settings, state);
    write('config.json', asJson(torchtitanConfig(config, settings)));
    write(RECIPE_FILE, torchtitanRecipe(settings, run.step));
    write('README.md', torchtitanReadme(settings, run, contents));
  }
  return files;
}

const asJson = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** Where transformers finds the classes of Hunyuan-Large: in the files of Tencent's release. */
const releasedCode = {
  AutoConfig: 'configuration_hunyuan.HunYuanConfig',
  AutoModelForCausalLM: 'modeling_hunyuan.HunYuanForCausalLM',
};

/** The settings as live changes have left them. */
function settingsAt({ experiment, step }: TrainerState): Settings {
  return experiment.timeline
    .filter((change) => change.step <= step)
    .reduce((values, { path, to }) => withValue(values, path, to), resolve(experiment));
}

function torchtitanRun({ model }: Settings, state: TrainerState | undefined): TrainerState {
  if (model.family === 'hunyuan') {
    throw new ConfigError(
      'model.family hunyuan: torchtitan trains what transformers ships, and that is not Hunyuan-Large',
    );
  }
  if (!state) {
    throw new ConfigError(
      'trainer.json is missing: the hyper-parameters of this model are unknown',
    );
  }
  return state;
}

/** Its mixture layers take their routing from these keys, which are those of dots1. */
function torchtitanConfig(config: Readonly<Record<string, unknown>>, { model, balance }: Settings) {
  return {
    ...config,
    ...(balance.kind === 'sign' ? { load_balance_coeff: balance.gamma } : {}),
    scoring_func: model.scoring,
    norm_topk_prob: model.normalisedGates,
    routed_scaling_factor: model.routeScale,
  };
}
