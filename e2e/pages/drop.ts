/** @file Files from outside of the browser, dragged over the page and let go. */
import type { Locator } from '@playwright/test';

/** The operation of a drag that copies, in DevTools' mask. */
const COPY = 1;

/** Drags files or folders over an element and lets go: the browser's own events, not made ones. */
export async function dropOn(target: Locator, paths: readonly string[]): Promise<void> {
  await target.scrollIntoViewIfNeeded();
  const { x, y } = (await target.boundingBox())!;
  const page = target.page();
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: COPY };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: x + 4, y: y + 4, data });
  }
}
