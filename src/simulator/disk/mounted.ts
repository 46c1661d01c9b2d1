/** What both kinds of disk have in common: whether a process still has its disk, and how one refuses. */
import { Effect } from "effect"
import { StorageFailed } from "#services/storage/RecordStore"

/** One run of a program and its disk: open, closed by the program, or cut off by a crash or by the next run. */
export class Mount {
  state: "open" | "closed" | "cut" = "open"

  /** A process that is dead is told nothing, not even of what it asked while it lived. */
  guard<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => (this.state === "cut" ? Effect.never : effect))
  }
}

export const noRoom = (operation: string): StorageFailed =>
  new StorageFailed({ operation, cause: new Error("no space left on the device") })

export const closed = (): StorageFailed =>
  new StorageFailed({ operation: "write", cause: new Error("the store is closed") })
