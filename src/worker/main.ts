/** @file The engine's worker: opens WebGPU where the browser has it, and serves a trainer to the page. */
import { Trainer } from '@/engine/index';
import { connectData } from './dataClient';
import type { DataPort } from './dataProtocol';
import { type Emit, serve } from './host';
import type { Port } from './protocol';
import { keptTunings } from './tunings';

const data = new Worker(new URL('./data.ts', import.meta.url), { type: 'module' });
// The shipped texts lie beside the page; a worker of the build lies in a folder below it.
const baseUrl = new URL(import.meta.env.BASE_URL, self.location.href);
const pageUrl = import.meta.env.DEV ? baseUrl : new URL('..', baseUrl);

let emit: Emit | undefined;
const trainer = new Trainer(
  () => navigator.gpu,
  connectData(data as DataPort, pageUrl.href),
  (event, payload) => emit?.(event, payload),
  keptTunings(indexedDB),
);
emit = serve(self as unknown as Port, trainer);
