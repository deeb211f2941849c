/** @file The page's entry. */
import { mount } from './mount';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id root');
mount(root, {
  openEngine: () => new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module' }),
  openStorage: () =>
    new Worker(new URL('./storage/worker.ts', import.meta.url), { type: 'module' }),
});
