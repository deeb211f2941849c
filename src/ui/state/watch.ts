/** @file Tells the engine what the panels show, so that what nobody sees is not read back. */
import type { Watch } from '@/engine/train/commands';
import type { Lab } from './lab';
import { isPanelActive, type ViewState } from './view';

/** What is needed by the panels that are drawn. */
export function watchOf(view: ViewState, layerCount: number): Watch {
  const isAttentionShown = isPanelActive(view, 'attention');
  return {
    load: isPanelActive(view, 'expert-load'),
    domains: isPanelActive(view, 'expert-load'),
    bias: isPanelActive(view, 'router-bias'),
    attention: isAttentionShown
      ? {
          layer: Math.min(view.layer, layerCount - 1),
          head: view.head,
          sequence: view.sequence,
        }
      : undefined,
    kernels: isPanelActive(view, 'kernels'),
  };
}

const sent = new WeakMap<object, string>();

/** Sends the watch to a prepared run, when it is another than the last one that it got. */
export function sendWatch(lab: Lab): void {
  const { info, now } = lab.run.getState();
  if (!info) return;
  const watch = watchOf(lab.view.getState(), now.model.layerCount);
  const text = JSON.stringify(watch);
  if (sent.get(info) === text) return;
  sent.set(info, text);
  // A worker that is gone has its own message.
  lab.client.watch(watch).catch(() => {});
}
