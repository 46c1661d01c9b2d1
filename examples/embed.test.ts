/** Tests of the app in embed.ts: without a network, and with two whole nodes in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Blobs, Bootstrap, cidOfText, Test } from "allium"
import { Context, Effect, Layer, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { keepNote } from "./embed.ts"

describe("keepNote", () => {
  it.effect("keeps a note and reads it back", () =>
    Effect.gen(function* () {
      const { text } = yield* keepNote("milk, eggs")
      assert.strictEqual(text, "milk, eggs")
    }).pipe(Effect.provide(Test.mocked))
  )

  it.effect("leaves the note where another node finds it, an hour later", () =>
    Effect.gen(function* () {
      const alice = yield* Layer.build(Test.layer({ seed: "alice" }))
      const bob = yield* Layer.build(Test.layer({ seed: "bob", bootstrap: Test.addressesOf(alice) }))
      yield* Context.get(bob, Bootstrap).joined
      const { cid, replicas } = yield* Effect.provideContext(keepNote("milk, eggs"), alice)
      assert.strictEqual(replicas, 2)

      yield* TestClock.adjust("1 hour")
      const pieces = Context.get(bob, Blobs).get(Result.getOrThrow(cidOfText(cid)))
      assert.strictEqual(yield* pieces.pipe(Stream.decodeText, Stream.mkString), "milk, eggs")
    }).pipe(Effect.provide(Test.world))
  )
})
