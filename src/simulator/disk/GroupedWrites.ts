/**
 * Writes on their way to a disk that takes time: those that wait go as one group, as in the durable store, and are
 * answered when all of it has arrived. A disk that takes none is written to at once.
 */
import { Deferred, Effect, Queue, type Scope } from "effect"
import type { StorageFailed } from "#services/storage/RecordStore"
import { closed, Mount } from "./mounted.ts"

/** Writes that may wait, and writes in one group: the figures of SqliteRecordStore. */
const WAITING = 1_024
const GROUP = 64

interface Write {
  /** Makes it durable, whole. */
  readonly apply: () => unknown
  /** The same, and tells whoever waits. */
  readonly settle: () => void
}

export class GroupedWrites extends Mount {
  readonly #latency: () => number
  readonly #scope: Scope.Scope
  readonly #queue: Queue.Queue<Write>
  #flying: ReadonlyArray<Write> = []
  #writing = false

  constructor(latency: () => number, scope: Scope.Scope, queue: Queue.Queue<Write>) {
    super()
    this.#latency = latency
    this.#scope = scope
    this.#queue = queue
  }

  /** `apply` runs when its group arrives; what it answers is the answer. */
  write<A, E>(apply: () => Effect.Effect<A, E>): Effect.Effect<A, E | StorageFailed> {
    return Effect.suspend((): Effect.Effect<A, E | StorageFailed> => {
      if (this.state === "cut") return Effect.never
      if (this.state === "closed") return Effect.fail(closed())
      if (!this.#writing && this.#latency() === 0) return apply()
      const done = Deferred.makeUnsafe<A, E>()
      const offered = Queue.offer(this.#queue, { apply, settle: () => void Deferred.doneUnsafe(done, apply()) })
      return Effect.flatMap(
        offered,
        (taken): Effect.Effect<A, E | StorageFailed> =>
          taken ? Effect.andThen(this.#start(), Deferred.await(done)) : Effect.fail(closed())
      )
    })
  }

  /** The process died: the group that was under way, undecided, or nothing. */
  cutOff(): ReadonlyArray<Write> {
    this.state = "cut"
    return this.#flying
  }

  /** One fiber while there is anything to write, none otherwise: most disks of a large network are idle. */
  #start(): Effect.Effect<unknown> {
    if (this.#writing) return Effect.void
    this.#writing = true
    return Effect.forkIn(
      Effect.onInterrupt(this.#drain(), () => this.#finish()),
      this.#scope
    )
  }

  #drain(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (Queue.sizeUnsafe(this.#queue) > 0) {
        this.#flying = yield* Queue.takeBetween(this.#queue, 1, GROUP)
        yield* Effect.sleep(this.#latency())
        this.#arrive()
      }
      this.#writing = false
    })
  }

  #arrive(): void {
    const group = this.#flying
    this.#flying = []
    if (this.state !== "cut") for (const write of group) write.settle()
  }

  /** The program closes its store: what it waits for arrives at once. */
  #finish(): Effect.Effect<void> {
    return Effect.map(Queue.clear(this.#queue), (rest) => {
      this.#flying = [...this.#flying, ...rest]
      this.#arrive()
    })
  }
}

/** Closes with the scope. */
export const make = Effect.fnUntraced(function* (latency: () => number) {
  const queue = yield* Queue.bounded<Write>(WAITING)
  const writes = new GroupedWrites(latency, yield* Effect.scope, queue)
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      if (writes.state === "open") writes.state = "closed"
      return Queue.shutdown(queue)
    })
  )
  return writes
})
