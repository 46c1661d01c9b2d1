/**
 * Writes that meet share a commit, which costs far more than what is written in it: one fiber takes all that wait, up to
 * `BATCH` of them, has them written in one transaction and answers each of them after it. An answer is durable.
 */
import { Deferred, Effect, Queue } from "effect"
import { Bounds } from "#services/node/Bounds"
import { StorageFailed } from "#services/storage/RecordStore"

/** Writes in one transaction: the gain of grouping is had at some 50, and the connection is not held for long. */
const BATCH = 64

interface Waiting<Call, Answer> {
  readonly call: Call
  readonly done: Deferred.Deferred<Answer, StorageFailed>
}

export interface Grouping<Call, Answer> {
  readonly operation: string
  /** What waits, as an operator reads it. */
  readonly name: string
  /** Calls that may wait; further ones wait for room. */
  readonly waiting: number
  /** All or none; an answer for each call, in their order. */
  readonly write: (calls: ReadonlyArray<Call>) => Effect.Effect<ReadonlyArray<Answer>, StorageFailed>
}

export const groupCommits = Effect.fnUntraced(function* <Call, Answer>(grouping: Grouping<Call, Answer>) {
  const queue = yield* Queue.bounded<Waiting<Call, Answer>>(grouping.waiting)
  const closing = new StorageFailed({ operation: grouping.operation, cause: "the store is closing" })
  const bounds = yield* Bounds
  yield* bounds.watch(grouping.name, grouping.waiting, () => Queue.sizeUnsafe(queue))

  const commit = (all: ReadonlyArray<Waiting<Call, Answer>>) =>
    Effect.match(grouping.write(all.map(({ call }) => call)), {
      onFailure: (error) => {
        for (const { done } of all) Deferred.doneUnsafe(done, error)
      },
      onSuccess: (answers) => {
        for (const [at, { done }] of all.entries()) Deferred.doneUnsafe(done, Effect.succeed(answers[at] as Answer))
      }
    })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      const waiting = yield* Queue.clear(queue)
      yield* Queue.shutdown(queue)
      for (const { done } of waiting) Deferred.doneUnsafe(done, closing)
    })
  )
  yield* Queue.takeBetween(queue, 1, BATCH).pipe(
    Effect.flatMap((all) => Effect.uninterruptible(commit(all))),
    Effect.forever,
    Effect.forkScoped
  )

  return (call: Call): Effect.Effect<Answer, StorageFailed> =>
    Effect.suspend(() => {
      const done = Deferred.makeUnsafe<Answer, StorageFailed>()
      return Effect.flatMap(Queue.offer(queue, { call, done }), (taken) =>
        taken ? Deferred.await(done) : Effect.fail(closing)
      )
    })
})
