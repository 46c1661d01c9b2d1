/**
 * Own operations, told to everyone who has the document open as soon as they are durable. What gathers while a message
 * waits for its turn goes in one; what does not fit, or came in thousands, is left to comparisons.
 */
import { Effect, Latch } from "effect"
import { writePush } from "#schemas/crdt/SyncMessage"
import { DATA_LIMIT, type Topic } from "#schemas/gossip/GossipMessage"
import type { Log } from "#services/crdt/OpLog"
import type { Gossip } from "#services/gossip/Gossip"

/** Records in one message, and those that wait for theirs. */
const TOGETHER = 64
const WAITING = 512

/** Bytes that CBOR adds to a record and to the list. */
const HEAD = 5

/** Until the scope closes. */
export const push = Effect.fnUntraced(function* (gossip: Gossip["Service"], log: Log, topic: Topic) {
  const isThere = yield* Latch.make(false)
  let waiting: Array<Uint8Array> = []

  yield* Effect.acquireRelease(
    Effect.sync(() =>
      log.onDelivered((delivered) => {
        for (const { isLocal, record } of delivered) {
          if (isLocal && waiting.length < WAITING) waiting.push(record)
        }
        if (waiting.length > 0) isThere.openUnsafe()
      })
    ),
    (stop) => Effect.sync(stop)
  )

  const next = (): ReadonlyArray<Uint8Array> => {
    let [count, bytes] = [0, HEAD]
    for (const record of waiting) {
      bytes += record.length + HEAD
      if (count === TOGETHER || (count > 0 && bytes > DATA_LIMIT)) break
      count++
    }
    const records = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return records
  }

  yield* isThere.await.pipe(
    Effect.andThen(
      Effect.suspend(() => {
        const records = next()
        if (waiting.length === 0) isThere.closeUnsafe()
        return records.length === 0 ? Effect.void : Effect.asVoid(gossip.publish(topic, writePush(records)))
      })
    ),
    // Too large for a message: whoever compares logs finds it.
    Effect.ignore({ log: "Debug" }),
    Effect.forever,
    Effect.forkScoped
  )
})
