import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import * as DialBacks from "#layers/dht/DialBacks"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import { hexOf } from "#schemas/bytes/bytes"
import { writeCall } from "#schemas/rpc/RpcMessage"
import type { Address } from "#schemas/transport/Address"
import { Bootstrap } from "#services/dht/Bootstrap"
import { DIAL_BACK_RATE, DIAL_BACKS } from "#services/dht/Limits"
import type { ServingMode } from "#services/dht/Membership"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { DIAL_BACK, INTRODUCE, Serving } from "#services/dht/Serving"
import { Rpc, type RpcError, type RpcMethod } from "#services/rpc/Rpc"
import { AddressProbe } from "#services/session/AddressProbe"
import { ConnectFailed, type Session } from "#services/session/SessionManager"
import { identity, peer, table } from "./fixtures.ts"
import { addressAt, sessionsDouble, sessionWith } from "./sessionsDouble.ts"

type Handler = (request: null, from: Contact) => Effect.Effect<boolean, RpcError>

interface Parts {
  /** A request of this peer. */
  readonly asked: Handler
  /** Where the node dialled. */
  readonly dialled: Array<ReadonlyArray<string>>
  readonly modes: Array<ServingMode>
  /** Peers that were asked, in order, and how many lookups were made. */
  readonly questions: Array<string>
  readonly lookups: () => number
}

interface Setting {
  readonly sessions: ReadonlyArray<Session>
  readonly probe?: (addresses: ReadonlyArray<Address>) => Effect.Effect<void, ConnectFailed>
  /** What peers answer to this node's own question; it asks where this is given. */
  readonly answers?: (key: string) => Effect.Effect<boolean, RpcError>
  readonly serves?: boolean
  readonly known?: ReadonlyArray<Contact>
}

const withDialBacks = (setting: Setting, body: (parts: Parts) => Effect.Effect<void, unknown>) =>
  Effect.gen(function* () {
    const handlers: Array<Handler> = []
    const dialled: Array<ReadonlyArray<string>> = []
    const modes: Array<ServingMode> = [setting.serves === true ? "server" : "client"]
    const questions: Array<string> = []
    let lookups = 0
    const rpc = Layer.mock(Rpc, {
      hello: () => undefined,
      roundTrip: () => undefined,
      handle: (_, handler) => Effect.sync(() => void handlers.push(handler as never)),
      call: ({ nodeId }) =>
        Effect.suspend(() => {
          const key = String.fromCharCode(...nodeId)
          questions.push(key)
          return (setting.answers?.(key) ?? Effect.succeed(true)) as Effect.Effect<never, RpcError>
        })
    })
    const queries = Layer.mock(QueryExecutor, {
      lookupNode: () =>
        Effect.sync(() => {
          lookups++
          return { closest: [], report: { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 } }
        })
    })
    const world = Layer.mergeAll(
      rpc,
      queries,
      sessionsDouble(() => setting.sessions, Effect.die),
      table(setting.known ?? []),
      Layer.succeed(Bootstrap, { isBootstrapped: () => true, joined: Effect.void }),
      Layer.succeed(Serving, {
        mode: () => modes.at(-1) ?? "client",
        become: (mode) => Effect.sync(() => void modes.push(mode))
      }),
      Layer.succeed(AddressProbe, {
        verify: ({ addresses }) => {
          dialled.push(addresses.map(String))
          return setting.probe?.(addresses) ?? Effect.void
        }
      }),
      VerifiedPeers.layer
    )
    const layer = DialBacks.layer({ asks: setting.answers !== undefined }).pipe(Layer.provide(world))
    yield* Effect.suspend(() => body({ asked: handlers[0]!, dialled, modes, questions, lookups: () => lookups })).pipe(
      Effect.provide(Layer.provide(layer, identity("me")))
    )
  })

const at = (...texts: ReadonlyArray<string>) => texts.map((text) => addressAt(text).bytes)

/** The peer asks over a session that it dialled, from this address. */
const from = (contact: Contact, address: string): Session => ({
  ...sessionWith(contact),
  dialled: false,
  address: addressAt(address)
})

const honest = peer("honest", { addresses: at("/ip4/203.0.113.7/tcp/1", "/ip4/198.51.100.9/tcp/80") })

describe("what asks for it on the wire", () => {
  it("is a call of one argument, as the vectors say", () => {
    const encoded = <A>({ name, request }: RpcMethod<A, unknown>, value: A) =>
      hexOf(writeCall({ method: name, args: [Schema.encodeSync(request)(value)] }))
    assert.strictEqual(encoded(DIAL_BACK, null), "82684469616c4261636bf6")
    assert.strictEqual(encoded(INTRODUCE, Uint8Array.of(1, 2)), "8269496e74726f64756365420102")
  })
})

describe("whoever is asked to dial back", () => {
  it.effect("dials only addresses of the asker's own record at the IP that it asks from", () =>
    withDialBacks(
      { sessions: [from(honest, "/ip4/203.0.113.7/tcp/50000")] },
      Effect.fnUntraced(function* ({ asked, dialled }) {
        assert.isTrue(yield* asked(null, honest))
        assert.deepStrictEqual(dialled, [["/ip4/203.0.113.7/tcp/1"]])
      })
    )
  )

  it.effect("dials nobody for who comes from elsewhere than it says to be", () =>
    withDialBacks(
      { sessions: [from(honest, "/ip4/192.0.2.1/tcp/50000")] },
      Effect.fnUntraced(function* ({ asked, dialled }) {
        for (const [asker, tag] of [[honest, "Elsewhere"] as const, [peer("without a session"), "Busy"] as const]) {
          const refused = yield* Effect.flip(asked(null, asker))
          assert.strictEqual(refused._tag === "RpcFailure" && refused.tag, tag)
        }
        assert.deepStrictEqual(dialled, [])
      })
    )
  )

  it.effect("needs no dial for whom it dialled before", () =>
    withDialBacks(
      { sessions: [{ ...from(honest, "/ip4/203.0.113.7/tcp/1"), dialled: true }] },
      Effect.fnUntraced(function* ({ asked, dialled }) {
        assert.isTrue(yield* asked(null, honest))
        assert.deepStrictEqual(dialled, [])
      })
    )
  )

  it.effect("says no where nobody is found, and after five seconds", () =>
    withDialBacks(
      {
        sessions: [
          from(honest, "/ip4/203.0.113.7/tcp/50000"),
          from(peer("slow", honest.record), "/ip4/198.51.100.9/tcp/2")
        ],
        probe: ([address]) =>
          address?.host === "203.0.113.7"
            ? new ConnectFailed({ peer: "", layer: "transport", reason: "refused" })
            : Effect.never
      },
      Effect.fnUntraced(function* ({ asked }) {
        assert.isFalse(yield* asked(null, honest))
        const slow = yield* Effect.forkChild(asked(null, peer("slow", honest.record)))
        yield* TestClock.adjust("5 seconds")
        assert.isFalse(yield* Fiber.join(slow))
      })
    )
  )

  it.effect("dials one at a time for each peer and not at once again, and within a budget for all", () => {
    const many = Array.from({ length: 60 }, (_, n) => peer(`p${n}`, { addresses: at(`/ip4/203.0.${n}.1/tcp/1`) }))
    let [open, most] = [0, 0]
    return withDialBacks(
      {
        sessions: many.map((it, n) => from(it, `/ip4/203.0.${n}.1/tcp/50000`)),
        probe: () =>
          Effect.suspend(() => {
            most = Math.max(most, ++open)
            return Effect.sleep("1 second")
          }).pipe(Effect.ensuring(Effect.sync(() => open--)))
      },
      Effect.fnUntraced(function* ({ asked, dialled }) {
        const twice = yield* Effect.forkChild(
          Effect.all([Effect.exit(asked(null, many[0]!)), Effect.exit(asked(null, many[0]!))], { concurrency: 2 })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          (yield* Fiber.join(twice)).map((exit) => exit._tag),
          ["Success", "Failure"]
        )
        assert.strictEqual((yield* Effect.exit(asked(null, many[0]!)))._tag, "Failure")
        yield* TestClock.adjust("10 seconds")
        dialled.length = 0
        for (let round = 0; round < 2; round++) {
          const all = yield* Effect.forkChild(
            Effect.forEach(many, (it) => Effect.exit(asked(null, it)), { concurrency: "unbounded" })
          )
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(all)
        }
        assert.strictEqual(most, DIAL_BACKS)
        assert.isAtMost(dialled.length, DIAL_BACK_RATE.burst + 2 * DIAL_BACK_RATE.perSecond)
      })
    )
  })
})

/** Sessions to peers in the /16 networks of these numbers. */
const peersIn = (...networks: ReadonlyArray<number>) =>
  networks.map((network, n) => ({
    ...sessionWith(peer(`peer ${n}`)),
    address: addressAt(`/ip4/203.${network}.${n}.1/tcp/1`)
  }))

const refused = new ConnectFailed({ peer: "", layer: "transport", reason: "refused" })

describe("a node that does not know whether it can be reached", () => {
  it.effect("asks one peer of each network, serves once three reached it, and introduces itself", () =>
    withDialBacks(
      { sessions: peersIn(1, 1, 1, 2, 3, 4, 5), answers: () => Effect.succeed(true) },
      Effect.fnUntraced(function* ({ lookups, modes, questions }) {
        yield* TestClock.adjust(1)
        assert.strictEqual(questions.length, 3)
        assert.deepStrictEqual(modes, ["client", "server"])
        assert.strictEqual(lookups(), 1)
      })
    )
  )

  it.effect("stays a client while peers of too few networks have, of those that it knows", () =>
    withDialBacks(
      {
        sessions: peersIn(1, 1, 2),
        known: [peer("far", { addresses: at("/ip4/198.51.100.1/tcp/1") })],
        answers: () => Effect.succeed(true)
      },
      Effect.fnUntraced(function* ({ modes, questions }) {
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(modes, ["client"])
        assert.strictEqual(questions.length, 2)
      })
    )
  )

  it.effect("takes silence for no answer, and asks again", () => {
    let silent = true
    return withDialBacks(
      { sessions: peersIn(1, 2, 3), answers: () => (silent ? Effect.fail(refused) : Effect.succeed(true)) },
      Effect.fnUntraced(function* ({ modes, questions }) {
        yield* TestClock.adjust("14 seconds")
        assert.deepStrictEqual([modes.length, questions.length], [1, 3])
        silent = false
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(modes, ["client", "server"])
      })
    )
  })

  it.effect("asks one peer every ten minutes when it serves, and is a client again after three failures", () => {
    let reached = true
    return withDialBacks(
      { sessions: peersIn(1, 2, 3, 4), answers: () => Effect.sync(() => reached), serves: true },
      Effect.fnUntraced(function* ({ modes, questions }) {
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(questions.length, 7)
        reached = false
        yield* TestClock.adjust("20 minutes")
        assert.deepStrictEqual(modes, ["server"])
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(modes, ["server", "client"])
        reached = true
        yield* TestClock.adjust("15 seconds")
        assert.deepStrictEqual(modes, ["server", "client", "server"])
      })
    )
  })
})
