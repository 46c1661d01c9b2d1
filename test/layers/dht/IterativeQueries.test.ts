import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import type { Contact } from "#core/identity/Contact"
import * as IterativeQueries from "#layers/dht/IterativeQueries"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import { type DhtAnswer, type DhtRequest, readNodes, writeAnswer } from "#schemas/dht/DhtMessage"
import { RpcFailure } from "#schemas/rpc/RpcFailure"
import { type LookupStep, QueryExecutor } from "#services/dht/QueryExecutor"
import { Rpc, type RpcError, RpcMalformed, RpcTimeout } from "#services/rpc/Rpc"
import { ConnectFailed, type Offence } from "#services/session/SessionManager"
import { forged, identity, peer, suite, table } from "./fixtures.ts"
import { sessionsBut } from "./sessionsDouble.ts"

type Answer = (contact: Contact, request: DhtRequest) => Effect.Effect<DhtAnswer, RpcError>

interface Parts {
  readonly queries: QueryExecutor["Service"]
  readonly asked: Array<string>
  readonly charged: Array<Offence>
  /** Requests that were given up before they were answered. */
  readonly dropped: Array<string>
  /** What the routing table was told, by key. */
  readonly seen: Array<string>
  readonly failed: Array<string>
}

const network = Array.from({ length: 60 }, (_, n) => peer(`n${n}`))
const target = suite.sha256(Uint8Array.of(1))
const byDistance = (nodes: ReadonlyArray<Contact>) =>
  nodes.toSorted((a, b) => compareDistance(target, a.nodeId, b.nodeId))
const nodes = (contacts: ReadonlyArray<Contact>): DhtAnswer => ({
  _tag: "Nodes",
  peers: contacts.map((it) => it.bytes)
})
const values = (records: ReadonlyArray<Uint8Array>): DhtAnswer => ({ _tag: "Values", records, peers: [], more: false })

const withQueries = (
  known: ReadonlyArray<Contact>,
  answer: Answer,
  body: (parts: Parts) => Effect.Effect<void, unknown>,
  /** Whose answers come within the call: as where a session is known to be gone. */
  atOnce: (contact: Contact) => boolean = () => false
) =>
  Effect.gen(function* () {
    const [asked, dropped]: [Array<string>, Array<string>] = [[], []]
    const charged: Array<Offence> = []
    const [seen, failed]: [Array<string>, Array<string>] = [[], []]
    const byKey = new Map(network.map((it) => [it.key, it]))
    const rpc = Layer.mock(Rpc, {
      hello: () => undefined,
      roundTrip: () => undefined,
      dht: ({ nodeId }, request) =>
        Effect.suspend(() => {
          const key = String.fromCharCode(...nodeId)
          asked.push(key)
          const contact = byKey.get(key)!
          const answered = Effect.andThen(atOnce(contact) ? Effect.void : Effect.yieldNow, answer(contact, request))
          return Effect.onInterrupt(answered, () => Effect.sync(() => void dropped.push(key)))
        })
    })
    const sessions = sessionsBut({
      charge: (_, offence) => void charged.push(offence)
    })
    const layer = IterativeQueries.layer.pipe(
      Layer.provide(VerifiedPeers.layer),
      Layer.provide([
        rpc,
        sessions,
        table(known, true, {
          seen: ({ key }) => void seen.push(key),
          failed: (key) => void failed.push(key)
        })
      ]),
      Layer.provide(identity("me"))
    )
    yield* Effect.flatMap(QueryExecutor, (queries) => body({ queries, asked, charged, dropped, seen, failed })).pipe(
      Effect.provide(layer)
    )
  })

const silent = new RpcTimeout({ peer: "", method: "", milliseconds: 1 })

describe("IterativeQueries", () => {
  it.effect("finds the 20 closest of a network of which it knew three", () =>
    withQueries(
      network.slice(0, 3),
      () => Effect.succeed(nodes(byDistance(network).slice(0, 20))),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const found = yield* queries.lookupNode(target)
        assert.deepStrictEqual(
          found.closest.map((it) => it.key),
          byDistance(network)
            .slice(0, 20)
            .map((it) => it.key)
        )
        assert.strictEqual(found.report.hops, 2)
        assert.strictEqual(found.report.requests, asked.length)
        assert.isAtMost(asked.length, 23)
      })
    )
  )

  it.effect("locates the same 20 by asking only the closest few", () =>
    withQueries(
      network.slice(0, 3),
      () => Effect.succeed(nodes(byDistance(network).slice(0, 20))),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const found = yield* queries.locate(target)
        assert.strictEqual(found.closest.length, 20)
        assert.strictEqual(found.closest[0]?.key, byDistance(network)[0]?.key)
        assert.isAtMost(asked.length, 8)
      })
    )
  )

  it.effect("ends at once in an empty network", () =>
    withQueries(
      [],
      () => Effect.never,
      Effect.fnUntraced(function* ({ queries }) {
        const found = yield* queries.lookupNode(target)
        assert.deepStrictEqual([found.closest.length, found.report.hops], [0, 0])
      })
    )
  )

  it.effect("ends at the first answer that is accepted, and gives up every other request", () =>
    withQueries(
      byDistance(network).slice(0, 20),
      (contact) =>
        contact.key === byDistance(network)[1]?.key ? Effect.succeed(values([Uint8Array.of(5)])) : Effect.never,
      Effect.fnUntraced(function* ({ asked, dropped, queries }) {
        const from: Array<string> = []
        yield* queries.lookupValue({
          kind: 0,
          key: target,
          accept: (_, contact) => from.push(contact.key) > 0
        })
        yield* Effect.yieldNow
        assert.deepStrictEqual(from, [byDistance(network)[1]!.key])
        assert.strictEqual(asked.length, 3)
        assert.strictEqual(dropped.length, 2)
      })
    )
  )

  it.effect("goes on when an answer is not accepted or does not come", () =>
    withQueries(
      byDistance(network).slice(0, 20),
      (contact) => {
        const rank = byDistance(network).indexOf(contact)
        if (rank === 0) return Effect.fail(silent)
        return Effect.succeed(values(rank < 5 ? [Uint8Array.of(rank)] : []))
      },
      Effect.fnUntraced(function* ({ queries }) {
        const seen: Array<number> = []
        const found = yield* queries.lookupValue({
          kind: 0,
          key: target,
          accept: ([first]) => seen.push(first?.[0] ?? 0) > 0 && first?.[0] === 4
        })
        assert.includeMembers(seen, [1, 2, 3, 4])
        assert.strictEqual(found.report.failures, 1)
      })
    )
  )

  it.effect("asks hints besides, and waits for them where nobody else has it", () =>
    withQueries(
      byDistance(network).slice(0, 4),
      (contact) => Effect.succeed(contact.key === network[50]!.key ? values([Uint8Array.of(1)]) : values([])),
      Effect.fnUntraced(function* ({ asked, queries }) {
        let found = 0
        const accept = () => ++found > 0
        yield* queries.lookupValue({ kind: 0, key: target, accept, hints: [network[50]!] })
        assert.strictEqual(found, 1)
        assert.strictEqual(asked[0], network[50]!.key)
      })
    )
  )

  it.effect("believes no forged and no client's record, and charges the one that passed a forged one on", () =>
    withQueries(
      [network[0]!],
      (contact) =>
        Effect.succeed(
          contact.key === network[0]!.key
            ? nodes([forged(network[1]!), peer("client", { capabilities: 0 }), network[2]!])
            : nodes([])
        ),
      Effect.fnUntraced(function* ({ asked, charged, queries }) {
        yield* queries.lookupNode(target)
        assert.sameMembers(asked, [network[0]!.key, network[2]!.key])
        assert.deepStrictEqual(charged, ["bad record"])
      })
    )
  )

  it.effect("closes its requests when the lookup is interrupted", () =>
    withQueries(
      byDistance(network).slice(0, 20),
      () => Effect.never,
      Effect.fnUntraced(function* ({ asked, dropped, queries }) {
        const fiber = yield* Effect.forkChild(queries.lookupNode(target), { startImmediately: true })
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        yield* Effect.yieldNow
        assert.isAtLeast(asked.length, 3)
        assert.sameMembers(dropped, asked)
      })
    )
  )

  it.effect("asks others in the place of slow peers, ends without them, and still hears of them afterwards", () => {
    const closest = byDistance(network)
    const slow = closest.slice(0, 5)
    return withQueries(
      closest.slice(0, 40),
      (contact) =>
        slow.includes(contact) ? Effect.delay(Effect.succeed(nodes([])), "8 seconds") : Effect.succeed(nodes([])),
      Effect.fnUntraced(function* ({ asked, dropped, queries, seen }) {
        const lookup = yield* Effect.forkChild(queries.lookupNode(target), { startImmediately: true })
        yield* TestClock.adjust("2500 millis")
        const { closest: found, report } = yield* Fiber.join(lookup)
        assert.deepStrictEqual(
          found.map((it) => it.key),
          closest.slice(5, 20).map((it) => it.key)
        )
        assert.strictEqual(report.failures, 5)
        assert.isAtMost(report.milliseconds, 2_000)
        assert.strictEqual(asked.length, 20)
        assert.deepStrictEqual(dropped, [])
        assert.isFalse(seen.includes(slow[0]!.key))
        yield* TestClock.adjust("8 seconds")
        assert.includeMembers(
          seen,
          slow.map((it) => it.key)
        )
      })
    )
  })

  it.effect("waits for a slow peer that may hold the value, but not for ever", () => {
    const closest = byDistance(network).slice(0, 20)
    const [holder, dead] = [closest[0]!, closest[1]!]
    return withQueries(
      closest,
      (contact) => {
        if (contact === dead) return Effect.never
        const answer = Effect.succeed(values(contact === holder ? [Uint8Array.of(1)] : []))
        return contact === holder ? Effect.delay(answer, "2 seconds") : answer
      },
      Effect.fnUntraced(function* ({ queries }) {
        const search = (accept: () => boolean) =>
          Effect.forkChild(queries.lookupValue({ kind: 0, key: target, accept }), { startImmediately: true })
        const found = yield* search(() => true)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(found)).report.milliseconds, 2_000)
        const vain = yield* search(() => false)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(vain)).report.milliseconds, 3_000)
      })
    )
  })

  it.effect("asks every hint although the first fails at once", () =>
    withQueries(
      [],
      (contact) => (contact === network[0] ? Effect.fail(silent) : Effect.succeed(values([Uint8Array.of(1)]))),
      Effect.fnUntraced(function* ({ asked, queries }) {
        let found = 0
        const accept = () => ++found > 0
        yield* queries.lookupValue({ kind: 0, key: target, accept, hints: network.slice(0, 2) })
        assert.strictEqual(asked.length, 2)
        assert.strictEqual(found, 1)
      }),
      (contact) => contact === network[0]
    )
  )

  it.effect("goes on although whole rows of requests fail at once", () =>
    withQueries(
      byDistance(network),
      (contact) => (byDistance(network).indexOf(contact) < 12 ? Effect.fail(silent) : Effect.succeed(nodes([]))),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const { closest } = yield* queries.lookupNode(target, { paths: 3 })
        assert.deepStrictEqual(
          closest.map((it) => it.key),
          byDistance(network)
            .slice(12, 20)
            .map((it) => it.key)
        )
        assert.strictEqual(new Set(asked).size, asked.length)
      }),
      () => true
    )
  )

  it.effect("asks a hint only once, although it is among the closest", () =>
    withQueries(
      byDistance(network).slice(0, 4),
      () => Effect.succeed(values([])),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const hints = byDistance(network).slice(0, 2)
        const { closest, report } = yield* queries.lookupValue({ kind: 0, key: target, accept: () => false, hints })
        assert.strictEqual(asked.length, 4)
        assert.strictEqual(report.requests, 4)
        assert.strictEqual(closest.length, 4)
      })
    )
  )

  it.effect("shows each request once, with its path and its way", () =>
    withQueries(
      network.slice(0, 3),
      (contact) => (contact === network[0] ? Effect.fail(silent) : Effect.succeed(nodes(network.slice(3, 9)))),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const steps: Array<LookupStep> = []
        const { report } = yield* queries.lookupNode(target, { paths: 3, onStep: (step) => steps.push(step) })
        assert.sameMembers(
          steps.map(({ contact }) => contact.key),
          asked
        )
        assert.sameMembers(
          steps.filter(({ hop }) => hop === 1).map(({ path }) => path),
          [0, 1, 2]
        )
        assert.strictEqual(steps.find(({ contact }) => contact === network[0])?.outcome, "silent")
        assert.strictEqual(
          steps.reduce((sum, { fresh }) => sum + fresh, 0),
          6
        )
        assert.strictEqual(report.path.length, report.hops)
        assert.strictEqual(report.failures, 1)
      })
    )
  )

  it.effect("takes more than 20 contacts in an answer for no answer", () => {
    const tooMany = readNodes(writeAnswer(nodes(network.slice(0, 21))))
    return withQueries(
      network.slice(0, 2),
      (contact) =>
        contact === network[0]
          ? Result.match(tooMany, {
              onFailure: (reason) => Effect.fail(new RpcMalformed({ peer: "", reason })),
              onSuccess: (answer) => Effect.succeed(answer)
            })
          : Effect.succeed(nodes([])),
      Effect.fnUntraced(function* ({ asked, failed, queries }) {
        const { closest } = yield* queries.lookupNode(target)
        assert.strictEqual(asked.length, 2)
        assert.deepStrictEqual(closest, network.slice(1, 2))
        assert.deepStrictEqual(failed, [network[0]!.key])
      })
    )
  })

  it.effect("finds the others although a peer names contacts that do not exist", () => {
    const ghosts = Array.from({ length: 20 }, (_, n) => peer(`ghost ${n}`, { seq: 2 }))
    return withQueries(
      network.slice(0, 3),
      (contact) => {
        if (!network.includes(contact))
          return Effect.fail(new ConnectFailed({ peer: "", layer: "transport", reason: "" }))
        return Effect.succeed(nodes(contact === network[0] ? ghosts : byDistance(network).slice(0, 20)))
      },
      Effect.fnUntraced(function* ({ queries }) {
        const { closest, report } = yield* queries.lookupNode(target)
        assert.deepStrictEqual(
          closest.map((it) => it.key),
          byDistance(network)
            .slice(0, 20)
            .map((it) => it.key)
        )
        assert.isAtMost(report.failures, 20)
      })
    )
  })

  it.effect("gains nothing from a peer that answers with itself", () =>
    withQueries(
      network.slice(0, 3),
      (contact) => Effect.succeed(nodes([contact])),
      Effect.fnUntraced(function* ({ asked, queries }) {
        const { closest } = yield* queries.lookupNode(target)
        assert.strictEqual(asked.length, 3)
        assert.strictEqual(closest.length, 3)
      })
    )
  )

  it.effect("takes it for a strike that somebody does not serve, and no other refusal", () =>
    withQueries(
      network.slice(0, 2),
      (contact) => {
        const tag = contact === network[0] ? "NotServed" : "Busy"
        return Effect.fail(new RpcFailure({ tag, detail: "", data: null }))
      },
      Effect.fnUntraced(function* ({ failed, queries }) {
        yield* queries.lookupNode(target)
        assert.deepStrictEqual(failed, [network[0]!.key])
      })
    )
  )

  it.effect("closes slow requests, too, when the lookup is interrupted", () =>
    withQueries(
      byDistance(network).slice(0, 20),
      () => Effect.never,
      Effect.fnUntraced(function* ({ asked, dropped, queries }) {
        const fiber = yield* Effect.forkChild(queries.lookupNode(target, { paths: 3 }), { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(asked.length, 20)
        yield* Fiber.interrupt(fiber)
        yield* Effect.yieldNow
        assert.sameMembers(dropped, asked)
      })
    )
  )
})
