/** @file The README of a checkpoint that is handed to other programs: what it is, and the commands that use it. */
import type { Settings } from '@/engine/config/settings';
import { RECIPE_FILE, RECIPE_FUNCTION, RECIPE_MODULE } from './torchtitanRecipe';
import type { TrainerState } from './trainerFile';

const families: Readonly<Record<Settings['model']['family'], string>> = {
  trinity: 'Arcee Trinity (`afmoe`)',
  hunyuan: 'Tencent Hunyuan-Large (`hunyuan`)',
  dots: 'rednote dots.llm1 (`dots1`)',
};

/** How transformers gets at the model class; Hunyuan-Large's is not among its own. */
const classes: Readonly<Record<Settings['model']['family'], string>> = {
  trinity: 'from transformers import AutoModelForCausalLM as Model',
  hunyuan: 'from modeling_hunyuan import HunYuanForCausalLM as Model',
  dots: 'from transformers import AutoModelForCausalLM as Model',
};

const HUNYUAN_NOTE = `Neither transformers nor vLLM has Hunyuan-Large among its own models. Put \`configuration_hunyuan.py\` and
\`modeling_hunyuan.py\` of Tencent's release beside these files first.

`;

/** @param contextLength positions that the model was trained on. */
export function handOverReadme(
  settings: Settings,
  state: TrainerState | undefined,
  contextLength: number,
): string {
  const { family } = settings.model;
  const isShipped = family !== 'hunyuan';
  return `# ${title(settings, state)}

${about(settings, state)}
${isShipped ? '' : HUNYUAN_NOTE}## Continue a text

With a version of transformers that knows the family, in this folder:

\`\`\`sh
pip install torch transformers
python - <<'END'
${classes[family]}
from transformers import AutoTokenizer

model, tokenizer = Model.from_pretrained("."), AutoTokenizer.from_pretrained(".")
prompt = tokenizer("The captain ", return_tensors="pt")
text = model.generate(input_ids=prompt.input_ids, do_sample=True, max_new_tokens=64)
print(tokenizer.decode(text[0]))
END
\`\`\`
${isShipped ? vllm(contextLength) : ''}`;
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

function about({ model, data }: Settings, state: TrainerState | undefined): string {
  const trained = state
    ? `\nIt was trained for ${state.step} steps, on sequences of ${data.contextLength} tokens.`
    : '';
  return `The weights of a model of the family ${families[model.family]}, in float32 and under the family's own names.${trained}
A token is a byte; \`tokenizer.json\` says so. Byte 0 ends a document.
`;
}

/** What torchtitan does otherwise than the run did, a line each; only what this run used. */
function differences({ model, data, optimizer, schedule, balance, loss }: Settings): string[] {
  const lines: [boolean, string][] = [
    [
      optimizer.hidden === 'muon',
      `Hidden matrices were moved by Muon (rate ${optimizer.muonLearningRate}, momentum ${optimizer.muonMomentum}); the recipe takes AdamW for all.`,
    ],
    [true, 'Moments of the optimizer are not carried over: they start at 0.'],
    [
      balance.kind !== 'sign',
      `Biases were moved by the balancer ${balance.kind}; torchtitan has the sign rule, by \`load_balance_coeff\` of config.json.`,
    ],
    [
      loss.sequenceBalance > 0 || loss.switchBalance > 0 || loss.zWeight > 0,
      `Losses beside the cross-entropy are left out: z ${loss.zWeight}, sequence balance ${loss.sequenceBalance}, Switch balance ${loss.switchBalance}.`,
    ],
    [
      optimizer.expertRate !== 'same',
      'Routed experts had a rate of their own; here they have that of everything else.',
    ],
    [
      schedule.secondDecay !== 'none',
      `A second decay to ${schedule.secondRatio} of the peak at step ${schedule.secondEnd} is left out.`,
    ],
    [schedule.growAt > 0, 'The batch keeps the size that it has now.'],
    [
      data.intraDocumentMask,
      'Documents were masked from each other: the backend does so with `attn_mask_type` "block_causal".',
    ],
    [
      model.family === 'trinity',
      'torchtitan has not listed `afmoe` among the models that it tests: compare the first losses with those of the lab.',
    ],
  ];
  return lines.flatMap(([isSo, line]) => (isSo ? [`- ${line}`] : []));
}

export function torchtitanReadme(settings: Settings, state: TrainerState): string {
  return `# ${title(settings, state)}, for torchtitan

${about(settings, state)}
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

${differences(settings).join('\n')}
`;
}
