/** A checkpoint that cannot be used: which file or tensor, and why, for a person. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}
