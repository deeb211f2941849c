/** @file The README of a checkpoint that is handed to other programs: what it is, and the commands that use it. */
import { microBatchesAt } from '@/engine/config/growth';
import type { Settings } from '@/engine/config/settings';
import { differencesToTorchtitan, differencesToTransformers } from './differences';
import type { SafeDtype } from './safetensors';
import { type ScheduleAhead, scheduleAhead } from './scheduleAhead';
import { RECIPE_FILE, RECIPE_FUNCTION, RECIPE_MODULE } from './torchtitanRecipe';
import type { TrainerState } from './trainerFile';
import { ARGUMENTS_FILE, OUTPUT_FOLDER } from './trainingArguments';
import { SCRIPT_FILE } from './trainScript';

type Family = Settings['model']['family'];

const families: Readonly<Record<Family, string>> = {
  trinity: 'Arcee Trinity (`afmoe`)',
  hunyuan: 'Tencent Hunyuan-Large (`hunyuan`)',
  dots: 'rednote dots.llm1 (`dots1`)',
};

/** What loading a model takes beside the folder: the code of Hunyuan-Large comes with it. */
export const loading: Readonly<Record<Family, string>> = {
  trinity: '',
  hunyuan: ', trust_remote_code=True',
  dots: '',
};

/** What pip is asked for; the Trainer needs accelerate. */
const packages: Readonly<Record<Family, string>> = {
  trinity: "torch 'transformers>=5' accelerate",
  hunyuan: "torch 'transformers<5' accelerate",
  dots: "torch 'transformers>=5' accelerate",
};

const HUNYUAN_NOTE = `Neither transformers nor vLLM has Hunyuan-Large among its own models. Put \`configuration_hunyuan.py\` and
\`modeling_hunyuan.py\` of Tencent's release beside these files first. They were written for transformers 4: they import names
that transformers 5 no longer has.

`;

/** What the folder is made of. */
export interface Contents {
  /** Positions that the model was trained on. */
  readonly contextLength: number;
  /** Of the weights. */
  readonly types: readonly SafeDtype[];
  /** Bytes, as the lab trained; bytes, since there was no other; or the one that came with the weights. */
  readonly tokenizer: 'bytes' | 'assumed' | 'own';
}

export function handOverReadme(
  settings: Settings,
  state: TrainerState | undefined,
  contents: Contents,
): string {
  const { family } = settings.model;
  const isShipped = family !== 'hunyuan';
  return `# ${title(settings, state)}

${about(settings, state, contents)}
${isShipped ? '' : HUNYUAN_NOTE}## Continue a text

In this folder:

\`\`\`sh
pip install ${packages[family]}
python - <<'END'
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("."${loading[family]})
tokenizer = AutoTokenizer.from_pretrained("."${loading[family]})
prompt = tokenizer("The captain ", return_tensors="pt")
text = model.generate(input_ids=prompt.input_ids, do_sample=True, max_new_tokens=64)
print(tokenizer.decode(text[0]))
END
\`\`\`
${state ? goOn(settings, state.step) : ''}${isShipped ? vllm(contents.contextLength) : ''}`;
}

function goOn(settings: Settings, step: number): string {
  const { data, schedule } = settings;
  const ahead = scheduleAhead(schedule, step);
  return `
## Go on training

\`${ARGUMENTS_FILE}\` holds the hyper-parameters of the run as \`transformers.TrainingArguments\`. \`${SCRIPT_FILE}\` trains this
model with them on a text of yours, cut into sequences of ${data.contextLength} bytes, and writes to \`${OUTPUT_FOLDER}\`.
${stepsLeft(ahead)}

\`\`\`sh
# One GPU, or none:
CUDA_VISIBLE_DEVICES=0 python ${SCRIPT_FILE} --data text.txt
# Four GPUs:
torchrun --nproc_per_node 4 ${SCRIPT_FILE} --data text.txt
# From the last checkpoint that this has written:
CUDA_VISIBLE_DEVICES=0 python ${SCRIPT_FILE} --data text.txt --resume
\`\`\`

A process takes \`per_device_train_batch_size\` (${data.batchSequences}) sequences \`gradient_accumulation_steps\`
(${microBatchesAt(step, schedule)}) times a step: four processes have four times the batch of the run.
${tried[settings.model.family]}

### What is not the same there

${differencesToTransformers(settings, step).join('\n')}
`;
}

const TRIED = `${SCRIPT_FILE} was tried for small models of this family, with transformers 5.18 and torch 2.13 on a CPU, in one process; with
GPUs it was not.`;

const tried: Readonly<Record<Family, string>> = {
  trinity: TRIED,
  hunyuan: `${SCRIPT_FILE} was not tried with this family.`,
  dots: TRIED,
};

function stepsLeft({ steps, level, decay }: ScheduleAhead): string {
  if (decay) return `The ${steps} steps of \`max_steps\` are what is left of its schedule.`;
  const end = `Its schedule has no end ahead: \`max_steps\` is ${steps} until you change it.`;
  return level > 0 ? end : `${end} Its rates have come down to 0: so has \`learning_rate\`.`;
}

const vllm = (contextLength: number): string => `
## Serve it

\`\`\`sh
pip install vllm
vllm serve . --served-model-name trinity-lab --max-model-len ${contextLength} --dtype float32
curl http://localhost:8000/v1/completions -H 'Content-Type: application/json' \\
  -d '{"model": "trinity-lab", "prompt": "The captain ", "max_tokens": 64}'
\`\`\`
`;

function title({ model }: Settings, state: TrainerState | undefined): string {
  return `${families[model.family].replace(/ \(.*/, '')} model of Trinity Lab${state ? `, step ${state.step}` : ''}`;
}

const typeNames: Readonly<Record<SafeDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I32: 'int32',
  U32: 'uint32',
};

const tokenizers: Readonly<Record<Contents['tokenizer'], string>> = {
  bytes: 'A token is a byte; `tokenizer.json` says so. Byte 0 ends a document.',
  assumed: 'They came without a tokenizer; `tokenizer.json` takes every byte as a token.',
  own: '`tokenizer.json` is the one that they came with.',
};

function about(
  { model, data }: Settings,
  state: TrainerState | undefined,
  { types, tokenizer }: Contents,
): string {
  const trained = state
    ? `\nIt was trained for ${state.step} steps, on sequences of ${data.contextLength} tokens.`
    : '';
  return `The weights of a model of the family ${families[model.family]}, in ${types.map((type) => typeNames[type]).join(' and ')} and under the family's own names.${trained}
${tokenizers[tokenizer]}
`;
}

export function torchtitanReadme(
  settings: Settings,
  state: TrainerState,
  contents: Contents,
): string {
  return `# ${title(settings, state)}, for torchtitan

${about(settings, state, contents)}
\`${RECIPE_FILE}\` holds the hyper-parameters as a configuration of torchtitan, for its transformers backend. It follows the
interface of torchtitan's main branch of 2026; neither it nor the commands below were run by the lab, which has no such machines.

## Go on training

\`\`\`sh
git clone https://github.com/pytorch/torchtitan && cd torchtitan
pip install -r requirements.txt transformers
export PYTHONPATH=$PYTHONPATH:/path/to/this/folder
# Checks the configuration on one GPU, for eight, without communication:
NGPU=8 COMM_MODE=fake_backend MODULE=${RECIPE_MODULE} CONFIG=${RECIPE_FUNCTION} ./run_train.sh
# Eight GPUs: two copies (HSDP), each shared by four, which share the experts too (expert parallelism):
NGPU=8 SHARD=4 EXPERTS=4 MODULE=${RECIPE_MODULE} CONFIG=${RECIPE_FUNCTION} ./run_train.sh
\`\`\`

EXPERTS divides SHARD, SHARD divides the number of GPUs, and the experts (${settings.model.expertCount} a layer) divide by EXPERTS. The data is
torchtitan's own (\`config.dataloader\`); it is cut into bytes by the tokenizer of this folder.

## What is not the same there

${differencesToTorchtitan(settings, state.step).join('\n')}
`;
}
