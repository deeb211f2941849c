/** @file `bench.html`: the same bench in a browser; options stand in the address, as in `bench.html?only=matmul&quick`. */
import { readOptions } from './options';
import { reportText } from './reportText';
import { runBench } from './run';

const REPEATS = 7;

/** `?only=matmul&quick` as `--only matmul --quick`. */
const argumentsOf = (query: string): string[] =>
  [...new URLSearchParams(query)].flatMap(([name, value]) =>
    value === '' ? [`--${name}`] : [`--${name}`, value],
  );

const state = document.querySelector<HTMLElement>('#state')!;
const results = document.querySelector<HTMLElement>('#results')!;
const download = document.querySelector<HTMLAnchorElement>('#download')!;

async function start(): Promise<void> {
  if (!navigator.gpu) throw new Error('This browser offers no WebGPU.');
  const options = readOptions(argumentsOf(location.search), REPEATS);
  const report = await runBench(navigator.gpu, options, (name) => {
    state.textContent = `Measuring ${name} …`;
  });
  results.textContent = reportText(report);
  const json = new Blob([JSON.stringify(report, undefined, 2)], { type: 'application/json' });
  download.href = URL.createObjectURL(json);
  download.hidden = false;
  state.textContent = 'Done.';
}

start().catch((error: unknown) => {
  state.textContent = error instanceof Error ? error.message : String(error);
});
