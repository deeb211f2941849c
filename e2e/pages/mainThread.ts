/** @file What the tasks of a page's main thread cost, from the browser's own trace. */
import type { Browser, Page } from '@playwright/test';

export interface Task {
  /**
   * Milliseconds for which a core ran it. The clock on the wall would also count the time for which it waited for a
   * core, and here the software adapter takes every core that there is.
   */
  readonly ran: number;
  /** Milliseconds on the wall, from its beginning to its end. */
  readonly took: number;
}

/** One entry of a Chromium trace; times are microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Every task of the main thread while `act` runs, the costliest first. Throws if the trace has none. */
export async function mainThreadTasks(
  browser: Browser,
  page: Page,
  act: () => Promise<void>,
): Promise<Task[]> {
  await browser.startTracing(page, { categories: ['toplevel'] });
  let trace: Buffer;
  try {
    await act();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mainThreads = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  );
  const tasks = traceEvents
    .filter((event) => event.name.endsWith('::RunTask') && mainThreads.has(threadOf(event)))
    .map(({ tdur = 0, dur = 0 }) => ({ ran: tdur / 1000, took: dur / 1000 }))
    .sort((a, b) => b.ran - a.ran);
  if (!(tasks[0] && tasks[0].ran > 0)) throw new Error('The trace has no task of a main thread.');
  return tasks;
}

/** The costliest task, for a report. */
export const costliest = ([task]: readonly Task[]): string =>
  task ? `${Math.round(task.ran)} ms on a core, ${Math.round(task.took)} ms on the wall` : 'none';
