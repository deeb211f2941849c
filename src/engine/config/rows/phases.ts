/**
 * @file Rows of the settings table: the mixtures of later phases. Trinity trains in three, the later ones with
 * more code and mathematics; dots.llm1 changes its mixture with each anneal.
 */
import { float, int } from '../field';

const share = (label: string, value: number, phase: number) =>
  float({
    label,
    default: value,
    min: 0,
    max: 1000,
    unit: 'parts',
    help: `Share of this domain in phase ${phase}.`,
    source: 'Trinity, 3.1',
  });

export const phase2 = {
  startsAt: int({
    label: 'Phase 2 starts',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'step',
    help: 'Step from which the mixture is that of phase 2; 0: there is none.',
    source: 'Trinity, 3.1',
  }),
  novelWeight: share('Novel', 0.3, 2),
  speechesWeight: share('Speeches', 0.2, 2),
  codeWeight: share('Code', 0.2, 2),
  arithmeticWeight: share('Arithmetic', 0.15, 2),
  recallWeight: share('Recall', 0.15, 2),
  ownTextWeight: share('Your text', 0, 2),
} as const;

export const phase3 = {
  startsAt: int({
    label: 'Phase 3 starts',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'step',
    help: 'Step from which the mixture is that of phase 3; 0: there is none.',
    source: 'Trinity, 3.1',
  }),
  novelWeight: share('Novel', 0.3, 3),
  speechesWeight: share('Speeches', 0.2, 3),
  codeWeight: share('Code', 0.2, 3),
  arithmeticWeight: share('Arithmetic', 0.15, 3),
  recallWeight: share('Recall', 0.15, 3),
  ownTextWeight: share('Your text', 0, 3),
} as const;
