/** @file What keeping, opening and packing checkpoints may refuse; every message is for a person to read. */

/** The browser grants no more room. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}

/** This browser keeps nothing for the page, as in some private windows. */
export class StorageUnavailableError extends Error {
  override readonly name = 'StorageUnavailableError';
}

/** A kept checkpoint is gone, or does not hold the bytes that were written. */
export class DamagedCheckpointError extends Error {
  override readonly name = 'DamagedCheckpointError';
}

/** Files from outside that are no checkpoint, or an archive that cannot be read. */
export class PickedFilesError extends Error {
  override readonly name = 'PickedFilesError';
}
