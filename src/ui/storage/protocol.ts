/** @file What crosses the line between the page and the storage worker. Types only. */
import type { CheckpointFiles } from '@/engine/train/commands';
import type { CarriedError } from '@/worker/protocol';
import type { PickedFile } from './gather';
import type { Description, StoredCheckpoint } from './record';
import type { Room } from './shelf';

/** What can be asked. The bytes of checkpoints move: whoever hands them over has them no more. */
export interface StorageCalls {
  /**
   * Opens the shelf for a tab and resolves with the tab's name: the one given, where no other tab holds it.
   * @throws StorageUnavailableError
   */
  open(previousTab: string | undefined): Promise<string>;
  list(): Promise<readonly StoredCheckpoint[]>;
  room(): Promise<Room>;
  /** @throws StorageFullError */
  keep(files: CheckpointFiles, description: Description): Promise<StoredCheckpoint>;
  /** @throws DamagedCheckpointError */
  read(id: string): Promise<CheckpointFiles>;
  /** Gives it a name; an automatic one is kept from now on. */
  rename(id: string, name: string): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  /** A zip archive of a folder of that name. It points at the disk and takes no memory. @throws DamagedCheckpointError */
  archive(id: string, folder: string): Promise<Blob>;
  /** Its files by name, as they lie on the disk. @throws DamagedCheckpointError */
  lend(id: string): Promise<ReadonlyMap<string, Blob>>;
  /** A zip archive of a checkpoint that is not kept. */
  pack(files: CheckpointFiles, folder: string): Promise<Blob>;
  /** The checkpoint among files of the visitor's. @throws PickedFilesError */
  gather(picked: readonly PickedFile[]): Promise<CheckpointFiles>;
}

export type StorageRequest =
  | {
      [K in keyof StorageCalls]: {
        readonly id: number;
        readonly call: K;
        readonly args: Parameters<StorageCalls[K]>;
      };
    }[keyof StorageCalls]
  | { readonly cancel: number };

export type StorageReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: CarriedError }
  /** How far a call is, 0 to 1. */
  | { readonly id: number; readonly share: number }
  /** This tab or another one has changed what is kept. */
  | { readonly changed: true };
