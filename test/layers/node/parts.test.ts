import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { Variant } from "#layers/node/parts"
import * as TestNode from "#layers/node/Test"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Rpc } from "#services/rpc/Rpc"

const start = (seed: string, variant: Variant, bootstrap: ReadonlyArray<string> = []) =>
  Layer.build(TestNode.layer({ seed, variant, bootstrap }))

describe("the variants of a node", () => {
  it.effect("with plain sessions it joins others of its kind, whose addresses it verifies", () =>
    Effect.gen(function* () {
      const a = yield* start("a", { sessions: "plain" })
      const b = yield* start("b", { sessions: "plain" }, TestNode.addressesOf(a))
      yield* Context.get(b, Bootstrap).joined
      const { key } = yield* Context.get(a, Dht).putBlock(Uint8Array.of(1))
      assert.deepStrictEqual(yield* Context.get(b, Dht).getBlock(key), Uint8Array.of(1))
      yield* TestClock.adjust("1 second")
      const [contact] = Context.get(a, RoutingTable).list()
      assert.isTrue(Number.isFinite(contact?.verifiedAt), "b dialled, so a had to probe")
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("with plain sessions it does not come to a session with a real node", () =>
    Effect.gen(function* () {
      const a = yield* start("a", {})
      const b = yield* start("b", { sessions: "plain" }, TestNode.addressesOf(a))
      const { tried } = yield* Effect.flip(Context.get(b, Bootstrap).joined)
      assert.strictEqual(tried.length, 1)
    }).pipe(Effect.provide(TestNode.world))
  )

  it.effect("another server answers in the place of the real one", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const server = Layer.effectDiscard(
        Effect.flatMap(Rpc, (rpc) =>
          rpc.handleDht((request) =>
            Effect.sync(() => {
              asked.push(request._tag)
              return { _tag: "Nodes", peers: [] }
            })
          )
        )
      )
      const a = yield* start("a", { server })
      const b = yield* start("b", {}, TestNode.addressesOf(a))
      yield* Context.get(b, Bootstrap).joined
      assert.deepStrictEqual(asked, ["FindNode"])
    }).pipe(Effect.provide(TestNode.world))
  )
})
