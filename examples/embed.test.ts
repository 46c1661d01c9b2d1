/** Tests of the app in embed.ts: without a network, and on a simulated one. */
import { assert, describe, it } from "@effect/vitest"
import { Blobs, cidOfText, Test } from "allium"
import { TestNetwork } from "allium/testing"
import { Effect, Result, Stream } from "effect"
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
      const network = yield* TestNetwork.make({ nodes: 2 })
      const { cid, replicas } = yield* network.node(0).run(keepNote("milk, eggs"))
      assert.strictEqual(replicas, 2)

      yield* network.advance("1 hour")
      const pieces = Stream.unwrap(Effect.map(Blobs, (blobs) => blobs.get(Result.getOrThrow(cidOfText(cid)))))
      assert.strictEqual(yield* network.node(1).run(pieces.pipe(Stream.decodeText, Stream.mkString)), "milk, eggs")
    })
  )
})
