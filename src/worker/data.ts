/**
 * @file The data worker: reads the shipped texts and packs batches, so that neither the page nor the
 * engine's worker waits for it. Started by the engine's worker.
 */
import { CorpusError } from '@/engine/data/documents';
import type { CorpusId } from '@/engine/data/domains';
import { createDataService } from '@/engine/data/service';
import { serveData } from './dataHost';
import type { DataPort } from './dataProtocol';

/** @throws {CorpusError} when the server does not give the text. */
async function fetchCorpus(baseUrl: string, id: CorpusId): Promise<Uint8Array> {
  const path = `corpora/${id}.txt`;
  const refuse = (why: string): never => {
    throw new CorpusError(
      `The text "${id}" could not be read: ${path} ${why}. Reload the page, or set its share to 0.`,
    );
  };
  const response = await fetch(new URL(path, baseUrl)).catch(() => refuse('is out of reach'));
  if (!response.ok) refuse(`gave ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// The compiler knows `self` as a window; in a worker it is one end of the line.
serveData(self as unknown as DataPort, (baseUrl) =>
  createDataService((id) => fetchCorpus(baseUrl, id)),
);
