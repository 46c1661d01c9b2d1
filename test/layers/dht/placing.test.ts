/** Who is asked to take a record, and who is not waited for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { makePlacing } from "#layers/dht/placing"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { peer } from "./fixtures.ts"

/** Milliseconds until it takes the record, the same below zero until it refuses. */
type Manner = number

const parts = Layer.mergeAll(
  Layer.mock(Rpc, { hello: () => undefined, roundTrip: () => undefined }),
  Layer.succeed(SessionManager, { find: () => undefined, list: () => [] } as unknown as SessionManager["Service"])
)

/** Asks these in order; tells who was asked, who took it, and whether the put has ended. */
const among = Effect.fnUntraced(function* (places: number, manners: ReadonlyArray<Manner>) {
  const place = yield* makePlacing
  const [asked, took]: [Array<number>, Array<number>] = [[], []]
  const contacts = manners.map((_, at) => peer(`${at}`))
  let next = 0
  const fiber = yield* Effect.forkChild(
    place({
      places,
      next: () => contacts[next++],
      ask: (contact) => {
        const at = contacts.indexOf(contact)
        asked.push(at)
        const manner = manners[at] ?? 0
        return Effect.map(Effect.sleep(Math.abs(manner)), () => {
          if (manner > 0) took.push(at)
          return manner > 0
        })
      }
    }),
    { startImmediately: true }
  )
  return { asked, took, fiber, isOver: () => fiber.pollUnsafe() !== undefined }
})

describe("placing", () => {
  it.effect("asks no more than there are places while all are quick", () =>
    Effect.gen(function* () {
      const { asked, isOver, took } = yield* among(3, [10, 20, 30, 40])
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual([asked, took, isOver()], [[0, 1, 2], [0, 1, 2], true])
    }).pipe(Effect.provide(parts))
  )

  it.effect("asks the next in the place of one that refuses", () =>
    Effect.gen(function* () {
      const { asked, isOver, took } = yield* among(2, [-10, 10, -10, 10])
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual([asked, took, isOver()], [[0, 1, 2, 3], [1, 3], true])
    }).pipe(Effect.provide(parts))
  )

  it.effect("does not wait for one that is slow when another takes it", () =>
    Effect.gen(function* () {
      const { asked, isOver, took } = yield* among(2, [10_000, 10, 10, 10])
      yield* TestClock.adjust("900 millis")
      assert.deepStrictEqual([asked, isOver()], [[0, 1], false])
      yield* TestClock.adjust("600 millis")
      assert.deepStrictEqual([asked, took, isOver()], [[0, 1, 2], [1, 2], true])
    }).pipe(Effect.provide(parts))
  )

  it.effect("asks one more for each place at most when all are slow, and ends with the first that are enough", () =>
    Effect.gen(function* () {
      const { asked, isOver, took } = yield* among(2, Array(10).fill(5_000))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual([asked, isOver()], [[0, 1, 2, 3], false])
      yield* TestClock.adjust("1 seconds")
      assert.deepStrictEqual([asked, took.slice(0, 2), isOver()], [[0, 1, 2, 3], [0, 1], true])
    }).pipe(Effect.provide(parts))
  )

  it.effect("ends when nobody is left", () =>
    Effect.gen(function* () {
      const { asked, isOver } = yield* among(3, [-10, -10])
      yield* TestClock.adjust("10 millis")
      assert.deepStrictEqual([asked, isOver()], [[0, 1], true])
    }).pipe(Effect.provide(parts))
  )

  it.effect("stops asking when it is interrupted", () =>
    Effect.gen(function* () {
      const { asked, fiber, took } = yield* among(2, Array(10).fill(500))
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minutes")
      assert.deepStrictEqual([asked, took], [[0, 1], []])
    }).pipe(Effect.provide(parts))
  )
})
