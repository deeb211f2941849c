/** @file What each layer of a model is: dense or mixture, local or global, rotary or not, whose keys it uses. */
import type { Settings } from './settings';

type Model = Settings['model'];

/** `true` for a layer that sees everything before it, `false` for one with a window. Trinity, eq. 6–8. */
export function isGlobalLayer({ layerTypes, globalEvery }: Model, layer: number): boolean {
  if (layerTypes !== '') return layerTypes[layer % layerTypes.length] === 'G';
  return globalEvery > 0 && (layer + 1) % globalEvery === 0;
}

/** Whether queries and keys of a layer are turned by their position. */
export const isRotaryLayer = (model: Model, layer: number): boolean =>
  model.positions === 'all' || (model.positions === 'local' && !isGlobalLayer(model, layer));

/** Base of the rotary angles, scaled for long contexts: alpha-NTK of Hunyuan-Large, arXiv:2411.02265, 2.2.1. */
export const ropeBase = ({ ropeTheta, ropeAlpha, headWidth: C }: Model): number =>
  ropeAlpha === 1 ? ropeTheta : ropeTheta * ropeAlpha ** (C / (C - 2));

/** The layer whose keys and values `layer` uses: itself, or an earlier one with cross-layer attention. */
export const kvOwner = ({ kvShare }: Model, layer: number): number => layer - (layer % kvShare);

/** Indices of the layers with experts, in order. */
export const mixtureLayers = ({ layerCount, denseLayerCount }: Model): number[] =>
  Array.from({ length: layerCount }, (_, layer) => layer).slice(denseLayerCount);
