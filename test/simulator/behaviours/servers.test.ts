import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Metric, Schedule, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as TestNode from "#layers/node/Test"
import { keyOf } from "#schemas/bytes/bytes"
import * as Mutable from "#schemas/dht/Mutable"
import { RecordKind } from "#schemas/dht/Record"
import type { Behaviour } from "#schemas/simulation/Fault"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Dht } from "#services/dht/Dht"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { served } from "#services/rpc/Metrics"
import { Rpc } from "#services/rpc/Rpc"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import { FloodBurst, FloodPace } from "#simulator/behaviours/paces"
import { serverOf } from "#simulator/behaviours/servers"
import { live } from "../../layers/dht/network.ts"

type Built = Effect.Success<ReturnType<typeof start>>

function start(seed: string, first?: Context.Context<SessionManager>, behaviour?: Behaviour) {
  return Layer.build(
    TestNode.layer({
      seed,
      bootstrap: first === undefined ? [] : TestNode.addressesOf(first),
      ...(behaviour === undefined ? {} : { variant: { server: serverOf(behaviour) } })
    })
  )
}

/** Two honest nodes, and after them one that is not. */
const threeWith = Effect.fnUntraced(function* (behaviour: Behaviour) {
  const one = yield* start("one")
  const bad = yield* start("bad", one, behaviour)
  yield* live(Context.get(bad, Bootstrap).joined)
  const two = yield* start("two", one)
  yield* live(Context.get(two, Bootstrap).joined)
  yield* Context.get(two, SessionManager).connect(Context.get(bad, SessionManager).self())
  return { one, two, bad }
})

const sizeOf = (node: Built, name: string): number | undefined =>
  Context.get(node, Bounds)
    .list()
    .find((it) => it.name === name)
    ?.size()

const keyOfNode = (node: Built) => keyOf(Context.get(node, Identity).nodeId)

const lookUp = (node: Built, target: number) =>
  live(Context.get(node, QueryExecutor).lookupNode(new Uint8Array(32).fill(target)))

const knownTo = (node: Built) =>
  Context.get(node, RoutingTable)
    .list()
    .map(({ contact }) => contact.key)

const outcomes = (outcome: string) =>
  Effect.map(Metric.value(Metric.withAttributes(served, { outcome })), ({ count }) => Number(count))

const whole = <A, E>(body: Effect.Effect<A, E, Layer.Success<typeof TestNode.world> | Scope.Scope>) =>
  Effect.scoped(body).pipe(Effect.provide(TestNode.world))

describe("a node that is", () => {
  it.effect("silent is charged for each request, and leaves the table after three", () =>
    whole(
      Effect.gen(function* () {
        const { bad, one, two } = yield* threeWith("silent")
        assert.include(knownTo(two), keyOfNode(bad))
        for (let n = 0; n < 4; n++) {
          const lookup = yield* Effect.forkChild(Context.get(two, QueryExecutor).lookupNode(new Uint8Array(32).fill(n)))
          yield* TestClock.adjust("15 seconds")
          assert.deepStrictEqual(
            (yield* Fiber.join(lookup)).closest.map((it) => it.key),
            [keyOfNode(one)]
          )
        }
        assert.deepStrictEqual(knownTo(two), [keyOfNode(one)])
        assert.strictEqual(sizeOf(two, "charged peers"), 1)
      })
    )
  )

  it.effect("lying sends nobody to the table, and is banned for what is not signed", () =>
    whole(
      Effect.gen(function* () {
        const { bad, one, two } = yield* threeWith("lying")
        const { closest, report } = yield* lookUp(two, 1)
        assert.isAbove(report.failures, 5, "who was named is not there")
        assert.sameMembers(
          closest.map((contact) => contact.key),
          [keyOfNode(bad), keyOfNode(one)]
        )
        assert.sameMembers(knownTo(two), [keyOfNode(bad), keyOfNode(one)])
        for (let n = 2; n < 20; n++) yield* lookUp(two, n)
        assert.strictEqual(Context.get(two, SessionManager).stats().bans, 1)
        assert.isUndefined(Context.get(two, SessionManager).find(keyOfNode(bad)))
      })
    )
  )

  it.effect("forging is charged for each kind of record, and readers find the true one or none", () =>
    whole(
      Effect.gen(function* () {
        const { one, two } = yield* threeWith("forging")
        const salt = Uint8Array.of(1)
        yield* live(Context.get(one, Dht).putMutable(salt, Uint8Array.of(7)))
        const author = Context.get(one, Identity).publicKey
        const charged: Array<number | undefined> = [sizeOf(two, "charged peers")]
        const { value } = yield* live(Context.get(two, Dht).getMutable(author, salt))
        charged.push(sizeOf(two, "charged peers"))
        assert.deepStrictEqual([value, charged], [Uint8Array.of(7), [0, 1]])
        const unknown = new Uint8Array(32)
        assert.strictEqual((yield* live(Effect.flip(Context.get(two, Dht).getBlock(unknown))))._tag, "NotFound")
        for (let n = 0; n < 4; n++)
          yield* live(Effect.flip(Context.get(two, Dht).getMutable(author, unknown.subarray(n, 3))))
        assert.strictEqual(Context.get(two, SessionManager).stats().bans, 1)
      })
    )
  )

  it.effect("flooding is told to wait, and others are still answered", () =>
    whole(
      Effect.gen(function* () {
        const { one, two } = yield* threeWith("flooding")
        const busy = yield* outcomes("busy")
        for (let n = 0; n < 6; n++) {
          yield* TestClock.adjust("500 millis")
          assert.strictEqual((yield* lookUp(two, n)).report.failures, 0)
          for (const { limit, name, size } of Context.get(one, Bounds).list()) assert.isAtMost(size(), limit, name)
        }
        assert.isAbove((yield* outcomes("busy")) - busy, 100)
      })
    ).pipe(Effect.provideService(FloodPace, Schedule.spaced("500 millis")), Effect.provideService(FloodBurst, 8192))
  )

  it.effect("replaying shows the first version and brings it back, and is refused", () =>
    whole(
      Effect.gen(function* () {
        const { bad, one, two } = yield* threeWith("replaying")
        const salt = Uint8Array.of(1)
        const { publicKey: author } = Context.get(one, Identity)
        const key = Context.get(one, Crypto).sha256(Mutable.keyPreimage(author, salt))
        for (const version of [1, 2]) yield* live(Context.get(one, Dht).putMutable(salt, Uint8Array.of(version)))
        const find = { _tag: "FindValue", kind: RecordKind.Mutable, key, minSeq: 0, after: new Uint8Array(0) } as const
        const answer = yield* live(Context.get(two, Rpc).dht(Context.get(bad, SessionManager).self(), find))
        const shown = answer._tag === "Values" ? answer.records.map(Mutable.read) : []
        assert.deepStrictEqual(
          shown.map((it) => (it._tag === "Success" ? it.success.value[0] : 0)),
          [1]
        )
        assert.strictEqual((yield* live(Context.get(two, Dht).getMutable(author, salt))).value[0], 2)
        const refused = yield* outcomes("refused")
        yield* TestClock.adjust("2 minutes")
        assert.isAtLeast((yield* outcomes("refused")) - refused, 4)
        for (const node of [one, two]) {
          const [held] = yield* Context.get(node, RecordStore).get(RecordKind.Mutable, key)
          const record = Mutable.read(held?.bytes ?? new Uint8Array(0))
          assert.strictEqual(record._tag === "Success" ? record.success.value[0] : 0, 2)
        }
      })
    )
  )
})
