import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Result, Schema, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as SessionRpc from "#layers/rpc/SessionRpc"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { FrameType } from "#schemas/session/Frame"
import { MAX_SERVING, MOST_IN_FLIGHT, WAITING_LIMIT } from "#services/rpc/Limits"
import { Rpc, type RpcMethod } from "#services/rpc/Rpc"
import { makeWorld, pass, type SessionsLayer, settle, startNode } from "../../laws/sessionWorld.ts"
import { directOnly } from "../router/directOnly.ts"

const greet: RpcMethod<string, string> = { name: "test/greet", request: Schema.String, response: Schema.String }

const world = makeWorld(NoiseSessions.layer as SessionsLayer)

/** `boast`: how many requests its peers say that they take. */
const peer = Effect.fnUntraced(function* (seed: string, at?: string, boast?: number) {
  const node = yield* startNode(world, { seed, agent: "test/1", ...(at === undefined ? {} : { at }) })
  yield* node.manager.onOpen((session) => {
    if (boast !== undefined) Object.assign(session, { hello: { ...session.hello, maxInFlight: boast } })
  })
  const services = yield* Layer.build(
    SessionRpc.layer.pipe(Layer.provide(directOnly), Layer.provide(Layer.succeedContext(node.services)))
  )
  return { ...node, rpc: Context.get(services, Rpc) }
})

const pair = Effect.gen(function* () {
  world.cut = false
  return { a: yield* peer("a"), b: yield* peer("b", "/memory/2") }
})

const inNetwork = <E>(name: string, body: Effect.Effect<void, E, Scope.Scope | MemoryTransport.MemoryHub>) =>
  it.effect(name, () => Effect.scoped(body).pipe(Effect.provide(MemoryTransport.hub)))

describe("SessionRpc", () => {
  inNetwork(
    "answers a method that an app registers, and stops when its scope closes",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* b.rpc.handle(greet, (name, from) =>
            Effect.succeed(`hello ${name}, ${from.key === a.key ? "whom I know" : "stranger"}`)
          )
          assert.strictEqual(yield* a.rpc.call(b.target, greet, "Ada"), "hello Ada, whom I know")
        })
      )
      const refused = yield* Effect.flip(a.rpc.call(b.target, greet, "Ada"))
      assert.strictEqual(refused._tag === "RpcFailure" && refused.tag, "UnknownMethod")
    })
  )

  inNetwork(
    "gives a method the time that its work takes, and does not take that for the line's",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const slowly = (name: string) => Effect.delay(Effect.succeed(`hello ${name}`), "8 seconds")
      yield* b.rpc.handle(greet, slowly)
      const patient = { ...greet, takes: Duration.seconds(9) }
      const answered = yield* Effect.forkChild(a.rpc.call(b.target, patient, "Ada"))
      yield* pass(9)
      assert.strictEqual(yield* Fiber.join(answered), "hello Ada")
      assert.isAtMost(a.rpc.roundTrip(b.key) ?? 0, 1)
      const gone = yield* Effect.forkChild(Effect.flip(a.rpc.call(b.target, greet, "Ada")))
      yield* pass(4)
      assert.strictEqual((yield* Fiber.join(gone))._tag, "RpcTimeout")
    })
  )

  inNetwork(
    "gives up in time what is asked at the very moment when something else is given up",
    Effect.gen(function* () {
      world.cut = false
      const [a, b, c] = [yield* peer("a"), yield* peer("b", "/memory/2"), yield* peer("c", "/memory/3")]
      for (const silent of [b, c]) yield* silent.rpc.handle(greet, () => Effect.never)
      yield* a.manager.connect(b.target)
      yield* a.manager.connect(c.target)
      yield* pass(5)
      // The sweep has passed by the session to b when the request to c is given up.
      const second = a.rpc
        .call(c.target, greet, "Ada")
        .pipe(Effect.catchTag("RpcTimeout", () => a.rpc.call(b.target, greet, "Ada")))
      const given = yield* Effect.forkChild(Effect.flip(second))
      yield* pass(8)
      assert.strictEqual(given.pollUnsafe()?._tag, "Success")
    })
  )

  inNetwork(
    "tells each side what the other said of itself in the handshake",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const near = yield* a.manager.connect(b.target)
      yield* settle
      const far = b.manager.find(a.key)!
      assert.include(a.rpc.hello(near), { agent: "test/1", mode: "client", maxInFlight: MAX_SERVING })
      assert.deepStrictEqual(a.rpc.hello(near)?.observed, far.address.bytes)
      assert.include(b.rpc.hello(far), { agent: "test/1", maxInFlight: MAX_SERVING })
    })
  )

  inNetwork(
    "has no more requests in flight than its own limit, whatever the peer says that it takes",
    Effect.gen(function* () {
      world.cut = false
      const [a, b] = [yield* peer("a"), yield* peer("b", "/memory/2", 0xffff_ffff)]
      yield* a.manager.connect(b.target)
      yield* settle
      world.cut = true
      const asking = Array.from({ length: MOST_IN_FLIGHT + WAITING_LIMIT + 3 }, () => b.rpc.ping(a.manager.self()))
      const fibers = yield* Effect.forEach(asking, (ask) => Effect.forkChild(ask))
      yield* settle
      const ended = fibers.filter((fiber) => fiber.pollUnsafe() !== undefined)
      assert.strictEqual(ended.length, 3)
      assert.strictEqual((yield* Effect.flip(Fiber.join(ended[0]!)))._tag, "RpcBusy")
    })
  )

  inNetwork(
    "carries a typed failure with its data across the wire",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handleDht((request) =>
        request._tag === "Store"
          ? Effect.fail(new RpcFailure({ tag: "WorkRequired", detail: "", data: 18 }))
          : Effect.succeed({ _tag: "Nodes", peers: [a.manager.self().bytes] })
      )
      const nodes = yield* a.rpc.dht(b.target, { _tag: "FindNode", target: new Uint8Array(32) })
      assert.deepStrictEqual(nodes, { _tag: "Nodes", peers: [new Uint8Array(a.manager.self().bytes)] })
      const store = { _tag: "Store", kind: 0, record: new Uint8Array(3), ttl: 60, work: new Uint8Array() } as const
      const refused = yield* Effect.flip(a.rpc.dht(b.target, store))
      assert.include(refused, { _tag: "RpcFailure", tag: "WorkRequired", data: 18 })
    })
  )

  inNetwork(
    "hides a defect of a handler from the peer",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handle(greet, () => Effect.die(new Error("a secret")))
      const failed = yield* Effect.flip(a.rpc.call(b.target, greet, "Ada"))
      assert.include(failed, { _tag: "RpcFailure", tag: "Failed" })
      assert.notInclude(JSON.stringify(failed), "secret")
    })
  )

  inNetwork(
    "times out after what was measured, doubles, and charges the silent peer",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handle(greet, () => Effect.succeed("hi"))
      yield* a.rpc.call(b.target, greet, "")
      world.cut = true
      const first = yield* Effect.forkChild(Effect.flip(a.rpc.call(b.target, greet, "")))
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.include(yield* Fiber.join(first), { _tag: "RpcTimeout", milliseconds: 1000 })
      const second = yield* Effect.forkChild(Effect.flip(a.rpc.call(b.target, greet, "")))
      yield* TestClock.adjust("1999 millis")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.include(yield* Fiber.join(second), { _tag: "RpcTimeout", milliseconds: 2000 })
    })
  )

  inNetwork(
    "takes all that a peer misses at one time for one offence, and bans it for missing again and again",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handle(greet, () => Effect.succeed("hi"))
      yield* a.rpc.call(b.target, greet, "")
      world.cut = true
      const calls = Array.from({ length: MAX_SERVING }, () => Effect.flip(a.rpc.call(b.target, greet, "")))
      const missed = yield* Effect.forkChild(Effect.all(calls, { concurrency: MAX_SERVING }))
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.join(missed)).every((it) => it._tag === "RpcTimeout"))
      assert.strictEqual(a.manager.stats().bans, 0)
      const next = yield* Effect.forkChild(Effect.flip(a.rpc.call(b.target, greet, "")))
      yield* TestClock.adjust("2 seconds")
      assert.include(yield* Fiber.join(next), { _tag: "RpcTimeout", milliseconds: 2000 })
    })
  )

  inNetwork(
    "gives up at once when the session ends",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handle(greet, () => Effect.never)
      const call = yield* Effect.forkChild(Effect.flip(a.rpc.call(b.target, greet, "")))
      yield* settle
      yield* a.manager.find(b.key)!.close("leaving")
      assert.include(yield* Fiber.join(call), { _tag: "RpcInterrupted" })
    })
  )

  inNetwork(
    "interrupts a handler's caller without leaving the request behind",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      yield* b.rpc.handle(greet, () => Effect.never)
      for (let round = 0; round < 2 * MAX_SERVING; round++) {
        const call = yield* Effect.forkChild(a.rpc.call(b.target, greet, ""))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(call)
      }
      // Every place in the window came back: the next call is sent, and refused by the peer, who is busy indeed.
      yield* settle
      assert.include(yield* Effect.flip(a.rpc.call(b.target, greet, "")), { _tag: "RpcFailure", tag: "Busy" })
    })
  )

  inNetwork(
    "never has more in flight to one peer than that peer takes",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const gate = yield* Deferred.make<void>()
      let [now, most] = [0, 0]
      yield* b.rpc.handle(greet, () =>
        Effect.suspend(() => {
          most = Math.max(most, ++now)
          return Effect.as(Deferred.await(gate), "hi").pipe(Effect.ensuring(Effect.sync(() => now--)))
        })
      )
      yield* a.manager.connect(b.target)
      yield* settle
      const calls = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 3 * MAX_SERVING }, () => a.rpc.call(b.target, greet, "")),
          { concurrency: 3 * MAX_SERVING }
        )
      )
      yield* settle
      assert.strictEqual(most, MAX_SERVING)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(calls)).length, 3 * MAX_SERVING)
      assert.strictEqual(most, MAX_SERVING)
    })
  )

  inNetwork(
    "charges a peer for what is no request and no answer, and bans it in the end",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const session = yield* a.manager.connect(b.target)
      yield* settle
      for (const type of [FrameType.RPC_REQ, FrameType.DHT_REQ, FrameType.RPC_RES, FrameType.DHT_RES] as const) {
        session.offer(type, Uint8Array.of(0, 0, 0, 1, 0xff, 0xff))
      }
      yield* settle
      assert.isFalse(session.isOpen())
      assert.strictEqual(b.manager.stats().bans, 1)
    })
  )

  inNetwork(
    "ignores the answer to a request that nobody made",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const session = yield* a.manager.connect(b.target)
      yield* settle
      session.offer(FrameType.RPC_RES, Uint8Array.of(0, 1, 0, 0, 0, 0x80))
      yield* settle
      assert.isTrue(session.isOpen())
    })
  )

  inNetwork(
    "measures a round trip",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const ping = yield* Effect.forkChild(a.rpc.ping(b.target))
      yield* pass(1)
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(ping)))
      assert.isDefined(a.rpc.roundTrip(b.key))
      assert.isUndefined(a.rpc.roundTrip("nobody"))
    })
  )

  inNetwork(
    "says of a peer that nobody can reach where it stopped",
    Effect.gen(function* () {
      const { a, b } = yield* pair
      const nowhere = { ...b.target, nodeId: a.nodeId, addresses: [] }
      const failed = yield* Effect.result(a.rpc.ping(nowhere))
      assert.isTrue(Result.isFailure(failed) && failed.failure._tag === "ConnectFailed")
    })
  )
})
