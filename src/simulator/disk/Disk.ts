/**
 * The disk of one simulated node: outlives the node's process, and fails as disks do.
 *
 * A process mounts it and reads and writes through the stores that it gets; everything else here is the world's: a
 * crash, a slow or a full disk, a bit that turned over, and a look at what is durable that no process notices.
 */
import type { Layer } from "effect"
import type { DiskAfterCrash } from "#schemas/simulation/Fault"
import type { Crypto } from "#services/identity/Crypto"
import type { DeliveredStore } from "#services/storage/DeliveredStore"
import type { GuardStore } from "#services/storage/GuardStore"
import type { OpStore } from "#services/storage/OpStore"
import type { OutboxStore } from "#services/storage/OutboxStore"
import type { PeerStore } from "#services/storage/PeerStore"
import type { PinStore } from "#services/storage/PinStore"
import type { RecordStore, StoredRecord } from "#services/storage/RecordStore"
import type { Dice } from "#simulator/Dice"

export interface Disk {
  /**
   * The stores for one run of the node's program, whose Clock they wait by. A later mount or a crash cuts the earlier
   * one off: what it still writes is lost, and what it waits for never comes.
   */
  readonly mount: Layer.Layer<
    RecordStore | PeerStore | PinStore | GuardStore | DeliveredStore | OpStore | OutboxStore,
    never,
    Crypto
  >
  /**
   * The process died: what was not durable is gone, whole puts only (`kept`); everything (`lost`); or a half-written
   * end stays behind what is durable (`torn`).
   */
  readonly crash: (after: typeof DiskAfterCrash.Type) => void
  /** Added to each write before it is acknowledged; 0 is as fast as ever. */
  readonly slow: (milliseconds: number) => void
  /** Whether writes that need room fail with StorageFailed, as they do when the file system has none left. */
  readonly full: (full: boolean) => void
  /** Turns one bit of one stored record over; false when nothing is stored, or the process is in mid-write. */
  readonly flipBit: (dice: Dice) => boolean
  /** What is durable at this instant, expired or not: for invariants. Never waits. */
  readonly held: (kind: number, key: Uint8Array) => ReadonlyArray<StoredRecord>
  /** Durable records. */
  readonly size: () => number
  /** Called for every durable replacement of one record by another: for invariants. */
  onReplace: ((before: StoredRecord, after: StoredRecord) => void) | undefined
  /** Lets go of what the disk takes from this machine: handles, not files. */
  readonly close: () => void
}
