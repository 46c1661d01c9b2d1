/**
 * Fills a number of places by asking one candidate after the other for each, all places at the same time. Who takes
 * longer than he should is not waited for alone: one more candidate is asked besides, once for each place, and whoever
 * answers first has it. So a node that lost its power holds nobody up, and a slow network is not asked twice over.
 */
import { Clock, Effect, type Fiber, FiberSet } from "effect"
import type { Contact } from "#core/identity/Contact"
import { makePatience, type Overdue } from "./patience.ts"

export interface Placing {
  /** Places to be filled. */
  readonly places: number
  /** Whom to ask next; undefined when nobody is left. */
  readonly next: () => Contact | undefined
  /** Asks one; true when it took the place. */
  readonly ask: (contact: Contact) => Effect.Effect<boolean>
}

/** A request under way. Unix milliseconds. */
interface Asked {
  slowAt: number
}

export const makePlacing = Effect.gen(function* () {
  const patience = yield* makePatience
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime<never, void, never>()

  /** Ends when all are filled or nobody is left. What is slow then goes on by itself, and counts for nothing. */
  return ({ ask, next, places }: Placing): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const asked = new Set<Asked>()
      const fibers = new Set<Fiber.Fiber<void>>()
      let filled = 0
      let spares = places
      let over = false
      /** A request may be settled before the next one is sent. */
      let hasBegun = false

      const finish = (): void => {
        if (over) return
        over = true
        patience.drop(overdue)
        resume(Effect.void)
      }
      const fill = Effect.gen(function* () {
        while (!over && filled < places) {
          const contact = next()
          if (contact === undefined) return
          const request: Asked = { slowAt: clock.currentTimeMillisUnsafe() + patience.slowAfter(contact) }
          asked.add(request)
          const took = yield* ask(contact)
          asked.delete(request)
          if (took) return void filled++
        }
      })
      const start = (): void => {
        const fiber = run(fill)
        fibers.add(fiber)
        fiber.addObserver(() => {
          fibers.delete(fiber)
          if (filled >= places || (fibers.size === 0 && hasBegun)) finish()
        })
      }
      const overdue: Overdue = (now) => {
        let nextAt = Number.POSITIVE_INFINITY
        for (const request of asked) {
          if (request.slowAt > now) nextAt = Math.min(nextAt, request.slowAt)
          else if (spares > 0) {
            // Of one request, one more is made of it at most.
            request.slowAt = Number.POSITIVE_INFINITY
            spares--
            start()
          }
        }
        return nextAt
      }
      if (places <= 0) return void resume(Effect.void)
      patience.watch(overdue)
      for (let place = 0; place < places; place++) start()
      hasBegun = true
      if (fibers.size === 0) finish()
      return Effect.sync(() => {
        over = true
        patience.drop(overdue)
        for (const fiber of fibers) fiber.interruptUnsafe()
      })
    })
})
