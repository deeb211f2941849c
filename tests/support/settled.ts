/** Waits for a promise and lets everything that it set off be told. */
export async function settled(promise: Promise<unknown>): Promise<void> {
  await promise;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
