/** @file The Python script that goes on training an exported folder with the Trainer of transformers. */
import type { Settings } from '@/engine/config/settings';
import { roundedRate } from './scheduleAhead';
import { ARGUMENTS_FILE } from './trainingArguments';

export const SCRIPT_FILE = 'train.py';

/** Whether the script moves selection biases as the run did. */
export const movesBiases = ({ balance }: Settings): boolean =>
  balance.kind === 'sign' || balance.kind === 'smebu';

/**
 * @param step finished steps of the run.
 * @param loading keyword arguments with which the family's model is loaded, each with a comma in front.
 */
export function trainScript(settings: Settings, step: number, loading: string): string {
  const callbacks = movesBiases(settings);
  return `"""Goes on with a run of Trinity Lab from step ${step}, on a text of your own. README.md has the commands."""
import argparse
import os

import numpy
import torch
from torch.utils.data import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    HfArgumentParser,
    Trainer,${callbacks ? '\n    TrainerCallback,' : ''}
    TrainingArguments,
    default_data_collator,
)

FOLDER = os.path.dirname(os.path.abspath(__file__))
CONTEXT = ${settings.data.contextLength}
${windows}${callbacks ? balance(settings) : ''}
def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a text; its bytes are the tokens")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint that this script wrote")
    options = parser.parse_args()
    windows = Windows(options.data)
    if len(windows) < 1:
        parser.error(f"--data {options.data}: want at least {CONTEXT} bytes")
    (arguments,) = HfArgumentParser(TrainingArguments).parse_json_file(os.path.join(FOLDER, "${ARGUMENTS_FILE}"))
    model = AutoModelForCausalLM.from_pretrained(FOLDER${loading})
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=windows,
        data_collator=default_data_collator,
        processing_class=AutoTokenizer.from_pretrained(FOLDER${loading}),${callbacks ? '\n        callbacks=[Balance(model)],' : ''}
    )
    trainer.train(resume_from_checkpoint=options.resume or None)
    trainer.save_model()


if __name__ == "__main__":
    main()
`;
}

const windows = `

class Windows(Dataset):
    """Sequences of CONTEXT bytes. Each starts with the last byte of the one before: every byte is predicted once."""

    def __init__(self, path):
        self.text = torch.from_numpy(numpy.fromfile(path, dtype=numpy.uint8))

    def __len__(self):
        return (len(self.text) - 1) // (CONTEXT - 1)

    def __getitem__(self, index):
        start = index * (CONTEXT - 1)
        window = self.text[start : start + CONTEXT].long()
        return {"input_ids": window, "labels": window}

`;

/** Who holds the router of a mixture layer and its selection bias: attributes of transformers' modules. */
const layouts = {
  trinity: { router: 'router', bias: 'expert_bias', owner: 'layer' },
  dots: { router: 'gate', bias: 'e_score_correction_bias', owner: 'layer.gate' },
} as const;

function balance({ model, balance }: Settings): string {
  const { router, bias, owner } = layouts[model.family === 'dots' ? 'dots' : 'trinity'];
  return `
class Balance(TrainerCallback):
    """Moves the selection biases once a step towards equal load, as the lab did: ${balance.kind === 'sign' ? 'the sign rule' : 'SMEBU'}."""

    def __init__(self, model):
        self.layers = [layer for layer in model.modules() if hasattr(layer, "experts") and hasattr(layer, "${router}")]
        self.counts = [0] * len(self.layers)${balance.kind === 'smebu' ? '\n        self.momenta = [0] * len(self.layers)' : ''}
        for index, layer in enumerate(self.layers):
            layer.${router}.register_forward_hook(self.counter(index))

    def counter(self, index):
        def count(router, inputs, outputs):
            if router.training:
                chosen = outputs[-1].flatten()
                self.counts[index] += torch.bincount(chosen, minlength=${model.expertCount})

        return count

    @torch.no_grad()
    def on_step_end(self, args, state, control, **others):
        for index, layer in enumerate(self.layers):
            counts, self.counts[index] = self.counts[index], 0
            if torch.distributed.is_initialized():
                torch.distributed.all_reduce(counts)
            bias, mean = ${owner}.${bias}, counts.float().mean()
${balance.kind === 'sign' ? sign(balance) : smebu(balance)}`;
}

const sign = ({ gamma, recentre }: Settings['balance']): string =>
  `            bias += ${gamma} * torch.sign(mean - counts)${recentre ? '\n            bias -= bias.mean()' : ''}
`;

const smebu = ({ lambda, beta, kappa }: Settings['balance']): string =>
  `            move = ${lambda} * torch.tanh(${kappa} * (mean - counts) / mean)
            self.momenta[index] = ${beta} * self.momenta[index] + ${roundedRate(1 - beta)} * (move - move.mean())
            bias += self.momenta[index]
`;
