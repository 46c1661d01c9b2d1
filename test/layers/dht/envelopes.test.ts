/** Requests in envelopes: how many at one time, and what becomes of the rest. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Logger, Queue, Result } from "effect"
import { serveEnvelopes } from "#layers/dht/envelopes"
import { type DhtAnswer, type DhtRequest, writeRequest } from "#schemas/dht/DhtMessage"
import { InnerEnvelope, type InnerEnvelopeFields } from "#schemas/router/InnerEnvelope"
import { readAnswerIn, requestBody } from "#schemas/router/Question"
import type { RpcFailure } from "#schemas/rpc/RpcFailure"
import { type Bounded, Bounds } from "#services/node/Bounds"
import { type Incoming, RouterHandle } from "#services/router/RouterHandle"
import { SessionClosed } from "#services/session/SessionManager"
import { peer } from "./fixtures.ts"

const nodes: DhtAnswer = { _tag: "Nodes", peers: [] }
const request: DhtRequest = { _tag: "FindNode", target: new Uint8Array(32) }
const envelope = new InnerEnvelope({ type: "DHT", body: requestBody(writeRequest(request)) })

const served = (handler: () => Effect.Effect<DhtAnswer, RpcFailure>) =>
  Effect.gen(function* () {
    const incoming = yield* Queue.unbounded<Incoming>()
    const said = yield* Queue.unbounded<string>()
    const bounded: Array<Bounded> = []
    const router = Layer.mock(RouterHandle, { incoming: () => Effect.succeed(incoming) })
    const bounds = Layer.succeed(Bounds, {
      watch: (name, limit, size) => Effect.sync(() => void bounded.push({ name, limit, size })),
      list: () => bounded
    })
    yield* serveEnvelopes({ name: "these", limit: 2, handle: ({ from }) => (from ? handler : undefined) }).pipe(
      Effect.provide([router, bounds])
    )
    const tell = (answer: InnerEnvelopeFields) => {
      const read = Result.getOrThrow(readAnswerIn("DHT", answer))
      return Effect.asVoid(Queue.offer(said, read._tag === "Ok" ? "ok" : read.failure.tag))
    }
    const bring = (reply: Incoming["reply"] = tell) =>
      Queue.offer(incoming, { from: peer("a"), envelope, room: 9_999, reply })
    return { bring, said, under: () => bounded.map(({ limit, name, size }) => [name, limit, size()]) }
  })

describe("requests in envelopes", () => {
  it.effect("refuses at once what is more than it does at one time, and does the next when there is room again", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const { bring, said, under } = yield* served(() => Effect.as(Deferred.await(gate), nodes))
      for (let n = 0; n < 4; n++) yield* bring()
      assert.deepStrictEqual(yield* Queue.takeN(said, 2), ["Busy", "Busy"])
      assert.deepStrictEqual(under(), [["these", 2, 2]])
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Queue.takeN(said, 2), ["ok", "ok"])
      yield* bring()
      assert.strictEqual(yield* Queue.take(said), "ok")
    })
  )

  it.effect("goes on when nobody is there to hear an answer, and when a handler is at fault", () =>
    Effect.gen(function* () {
      let faulty = true
      const { bring, said, under } = yield* served(() => (faulty ? Effect.die("a defect") : Effect.succeed(nodes)))
      yield* bring()
      assert.strictEqual(yield* Queue.take(said), "Failed")
      faulty = false
      for (let n = 0; n < 3; n++) yield* bring(() => new SessionClosed({ reason: "idle" }))
      yield* bring()
      assert.include(["ok", "Busy"], yield* Queue.take(said))
      yield* Effect.yieldNow
      assert.deepStrictEqual(under(), [["these", 2, 0]])
    }).pipe(Effect.provide(Logger.layer([])))
  )
})
