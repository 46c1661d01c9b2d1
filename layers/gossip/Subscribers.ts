/** The parts of this node that have joined topics: their validators, and the queues that they read. */
import { Effect, Exit, Queue, Result } from "effect"
import type { Received, Validator, Verdict } from "#services/gossip/Gossip"
import { SUBSCRIBER_QUEUE } from "#services/gossip/Limits"

export interface Subscriber {
  readonly validator: Validator
  readonly queue: Queue.Queue<Received>
}

export class Subscribers {
  readonly #topics = new Map<string, Set<Subscriber>>()

  get topics(): number {
    return this.#topics.size
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Messages that wait for the one that is furthest behind. */
  mostWaiting(): number {
    let most = 0
    for (const subscribers of this.#topics.values())
      for (const { queue } of subscribers) most = Math.max(most, Queue.sizeUnsafe(queue))
    return most
  }

  /** True for the first of a topic. */
  add(topic: string, subscriber: Subscriber): boolean {
    const others = this.#topics.get(topic)
    others?.add(subscriber)
    if (others === undefined) this.#topics.set(topic, new Set([subscriber]))
    return others === undefined
  }

  /** True for the last of a topic. */
  remove(topic: string, subscriber: Subscriber): boolean {
    const others = this.#topics.get(topic)
    if (others?.delete(subscriber) !== true || others.size > 0) return false
    return this.#topics.delete(topic)
  }

  /** The strictest of the verdicts; an Exit where none of the validators waits for anything. */
  judge(topic: string, message: Received): Effect.Effect<Verdict> {
    const verdicts = [...(this.#topics.get(topic) ?? [])].map(({ validator }) => ask(validator, message))
    const only = verdicts[0]
    if (only === undefined) return Exit.succeed("ignore")
    if (verdicts.length === 1) return only
    if (verdicts.every(isExit)) {
      const failed = verdicts.find(Exit.isFailure)
      return failed ?? Exit.succeed(strictest(verdicts.flatMap((it) => (Exit.isSuccess(it) ? [it.value] : []))))
    }
    return Effect.map(Effect.all(verdicts, { concurrency: verdicts.length }), strictest)
  }

  /** Answers how many missed it because they are too far behind. */
  deliver(topic: string, message: Received): number {
    let dropped = 0
    for (const { queue } of this.#topics.get(topic) ?? []) {
      if (Queue.sizeUnsafe(queue) >= SUBSCRIBER_QUEUE || !Queue.offerUnsafe(queue, message)) dropped++
    }
    return dropped
  }
}

/** `Exit.isExit`, keeping the types: an effect that is its own result. */
export const isExit = (verdict: Effect.Effect<Verdict>): verdict is Exit.Exit<Verdict> => Exit.isExit(verdict)

/** A validator that throws has a defect, as one whose effect dies. */
const ask = (validator: Validator, message: Received): Effect.Effect<Verdict> =>
  Result.getOrElse(
    Result.try(() => validator(message)),
    (defect) => Exit.die(defect)
  )

const strictest = (verdicts: ReadonlyArray<Verdict>): Verdict => {
  if (verdicts.includes("reject")) return "reject"
  return verdicts.includes("ignore") ? "ignore" : "accept"
}
