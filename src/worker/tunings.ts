/** @file Measured choices of kernels, kept in IndexedDB: a table for each adapter. */
import type { TuningStore } from '@/engine/index';

const DATABASE = 'trinity-lab';
const TABLES = 'tunings';

/** The result of a request. @throws what it failed with */
const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function tables(databases: IDBFactory, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = databases.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(TABLES);
  const database = await settled(opening);
  const transaction = database.transaction(TABLES, mode);
  // Closes once the transaction has ended, so that no other tab waits for it.
  database.close();
  return transaction.objectStore(TABLES);
}

/** @param databases where a browser forbids them every call fails, and choices are measured for each run. */
export const keptTunings = (databases: IDBFactory): TuningStore => ({
  read: async (adapter) => settled((await tables(databases, 'readonly')).get(adapter)),
  write: async (adapter, table) => {
    await settled((await tables(databases, 'readwrite')).put(table, adapter));
  },
});
