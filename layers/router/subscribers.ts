/** The parts of this node that take envelopes, by type: each has a bounded queue of its own. */
import { Effect, Queue, type Scope } from "effect"
import type { EnvelopeType } from "#schemas/router/InnerEnvelope"
import { INCOMING_QUEUE, LARGE_ENVELOPE, LARGE_QUEUE } from "#services/router/Limits"
import type { Incoming } from "#services/router/RouterHandle"

export class Subscribers {
  readonly #queues = new Map<EnvelopeType, Set<Queue.Queue<Incoming>>>()

  /** Envelopes that wait for the one that is furthest behind. */
  mostWaiting(): number {
    let most = 0
    for (const queues of this.#queues.values())
      for (const queue of queues) most = Math.max(most, Queue.sizeUnsafe(queue))
    return most
  }

  /** All subscribers get it or none does, so that what is sent again is not delivered twice to some. */
  deliver(incoming: Incoming): "delivered" | "full" | "unwanted" {
    const queues = this.#queues.get(incoming.envelope.type)
    if (queues === undefined || queues.size === 0) return "unwanted"
    const limit = incoming.envelope.body.length > LARGE_ENVELOPE ? LARGE_QUEUE : INCOMING_QUEUE
    for (const queue of queues) if (Queue.sizeUnsafe(queue) >= limit) return "full"
    for (const queue of queues) Queue.offerUnsafe(queue, incoming)
    return "delivered"
  }

  /** Until the scope closes. */
  subscribe(type: EnvelopeType): Effect.Effect<Queue.Dequeue<Incoming>, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.map(Queue.bounded<Incoming>(INCOMING_QUEUE), (queue) => {
        const queues = this.#queues.get(type) ?? new Set()
        this.#queues.set(type, queues.add(queue))
        return queue
      }),
      (queue) =>
        Effect.suspend(() => {
          this.#queues.get(type)?.delete(queue)
          return Queue.shutdown(queue)
        })
    )
  }
}
