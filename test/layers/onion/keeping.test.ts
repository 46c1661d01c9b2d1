import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { OnionKeys, PREVIOUS_LIFETIME } from "#core/onion/OnionKeys"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import { makeEphemerals, makeReplays, rotateKeys } from "#layers/onion/keeping"
import { hexOf } from "#schemas/bytes/bytes"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import { OnionKeyPace } from "#services/onion/Schedules"
import { virtually } from "../../simulator/inVirtualTime.ts"
import { hopOf, makeRelays, settle, sizeOf } from "./relaying.ts"

const { suite } = NodeCrypto

const drawn: Array<Uint8Array> = []

/** Remembers what was drawn. */
const chance = Layer.effect(
  SecureRandom,
  Effect.map(SeededRandom.make("keeping"), ({ bytes }) =>
    SecureRandom.of({
      bytes: (count) => {
        const fresh = bytes(count)
        drawn.push(fresh)
        return fresh
      }
    })
  )
).pipe(Layer.provideMerge(NodeCrypto.layer))

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1_000)

describe("onion keys", () => {
  const rotating = Effect.gen(function* () {
    const onionKeys = new OnionKeys(suite.agreementKey(new Uint8Array(32).fill(1)), yield* seconds)
    const identity = Layer.succeed(Identity, { onionKeys } as Identity["Service"])
    yield* rotateKeys.pipe(Effect.provide([identity, chance]))
    return onionKeys
  })

  it.effect("are exchanged every day, and the one before is forgotten two hours later though nobody asks", () =>
    Effect.gen(function* () {
      const keys = yield* rotating
      const seen = [hexOf(keys.current.publicKey)]
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(hexOf(keys.current.publicKey), seen[0])
      for (let day = 0; day < 3; day++) {
        yield* TestClock.adjust("1 hour")
        const now = yield* seconds
        seen.push(hexOf(keys.current.publicKey))
        assert.deepStrictEqual(
          keys.usable(now).map(({ publicKey }) => hexOf(publicKey)),
          seen.slice(-2).reverse()
        )
        yield* TestClock.adjust("2 hours")
        // As of the time of the exchange: what is forgotten now was not dropped by this question.
        assert.lengthOf(keys.usable(now), 1)
        yield* TestClock.adjust("21 hours")
      }
      assert.strictEqual(new Set(seen).size, 4)
      assert.isTrue(drawn.every((bytes) => bytes.every((byte) => byte === 0)))
      assert.strictEqual(PREVIOUS_LIFETIME, 7_200)
    })
  )

  it.effect("are exchanged at the pace that a network says", () =>
    Effect.gen(function* () {
      const keys = yield* rotating.pipe(Effect.provideService(OnionKeyPace, Schedule.spaced("1 minute")))
      const first = keys.current
      yield* TestClock.adjust("1 minute")
      assert.notStrictEqual(keys.current, first)
    })
  )
})

describe("ephemeral keys", () => {
  it.effect("are made ahead after some were taken, as many as that, and none at start", () =>
    Effect.gen(function* () {
      const keys = yield* Effect.provide(makeEphemerals, chance)
      const turns = Effect.forEach(Array.from({ length: 100 }), () => Effect.yieldNowWith(10))
      yield* turns
      assert.strictEqual(keys.size, 0)
      keys.take(8)
      assert.strictEqual(keys.size, 0)
      yield* Effect.yieldNowWith(20)
      assert.strictEqual(keys.size, 4, "a few at a time")
      yield* turns
      assert.strictEqual(keys.size, 8)
      keys.take(3)
      yield* turns
      assert.strictEqual(keys.size, 11)
      for (let n = 0; n < 100; n++) keys.take(8)
      yield* turns
      yield* turns
      assert.strictEqual(keys.size, 256)
    })
  )
})

describe("the replay set", () => {
  it.effect("is swept while there is anything in it", () =>
    Effect.gen(function* () {
      const { entered, set } = yield* Effect.provide(makeReplays, chance)
      const key = (n: number) => new Uint8Array(32).fill(n)
      const enter = Effect.fnUntraced(function* (n: number, death: number) {
        assert.strictEqual(set.enter(key(n), death, false, Math.floor((yield* seconds) / 60)), "entered")
        entered()
      })
      yield* enter(1, 3)
      yield* enter(2, 5)
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(set.size, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(set.size, 1)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(set.size, 0)
      yield* TestClock.adjust("1 hour")
      yield* enter(3, 70)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(set.size, 0)
    })
  )
})

describe("a node that carries no cells", () => {
  virtually("does nothing for them, neither before the first nor after the last", ({ time }) =>
    Effect.gen(function* () {
      const relays = makeRelays(time)
      const [relay, far] = [yield* relays.node(), yield* relays.node()]
      const events = Effect.fnUntraced(function* () {
        const before = time.fired
        yield* Effect.sleep("10 minutes")
        return time.fired - before
      })
      yield* settle
      const idle = yield* events()
      const stranger = yield* relays.stranger(relay)
      const path = [{ ...hopOf(relay), delay: 500 }, hopOf(far)]
      yield* stranger.say((yield* relays.request(path)).cell)
      relay.cells.ephemerals.take(4)
      yield* Effect.sleep("1 second")
      assert.strictEqual(far.cells.stats().arrived, 1)
      yield* Effect.sleep("10 minutes")
      assert.deepStrictEqual(
        [relay, far].map((it) => sizeOf(it, "peeled cells")),
        [0, 0]
      )
      for (const node of [relay, far]) for (const session of node.manager.list()) yield* session.close("leaving")
      yield* stranger.manager.list()[0]?.close("leaving") ?? Effect.void
      yield* settle
      // A stranger has a sweep of sessions, as the other two have, and nobody anything else.
      assert.approximately(yield* events(), (idle * 3) / 2, 4)
    })
  )
})
