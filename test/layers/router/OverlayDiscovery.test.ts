import { assert, describe, it } from "@effect/vitest"
import { TestNetwork, type TestNode } from "allium/testing"
import { Context, Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import * as KnownRecipients from "#layers/router/KnownRecipients"
import * as KnownRoutes from "#layers/router/KnownRoutes"
import * as OverlayDiscovery from "#layers/router/OverlayDiscovery"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import { keyOf } from "#schemas/bytes/bytes"
import { DHT_SERVER, ONION_RELAY } from "#schemas/identity/PeerRecord"
import { Delegates } from "#services/dht/Delegates"
import { type NodesFound, QueryExecutor } from "#services/dht/QueryExecutor"
import type { TableContact } from "#services/dht/RoutingTable"
import { SEARCHES } from "#services/router/Limits"
import { Recipients } from "#services/router/Recipients"
import { type Route, RouteTable } from "#services/router/RouteTable"
import { AddressProbe } from "#services/session/AddressProbe"
import { type CloseReason, type Session, SessionManager } from "#services/session/SessionManager"
import { at } from "../../laws/sessionWorld.ts"
import { identity, peer, table } from "../dht/fixtures.ts"
import { sessionWith } from "../dht/sessionsDouble.ts"

const NOW = 1_700_000_000_000
const NOBODY = { closest: [] } as unknown as NodesFound

const relays = Array.from({ length: 12 }, (_, n) =>
  peer(`relay ${n}`, { capabilities: DHT_SERVER | ONION_RELAY, addresses: [at(`/ip4/45.${n}.1.1/tcp/1`).bytes] })
)
const hidden = peer("hidden", { expires: 2_000_000_000 })

const routes = <A>(node: TestNode, body: (table: RouteTable["Service"]) => A) => node.run(Effect.map(RouteTable, body))
const prepared = (node: TestNode, avoid: ReadonlyArray<string> = []) =>
  node.run(Effect.flatMap(RouteTable, (table) => table.prepared(avoid)))
const contactOf = (node: TestNode) => node.run(Effect.map(SessionManager, (sessions) => sessions.self()))
const guardsOf = (node: TestNode) =>
  routes(node, (table) =>
    table
      .relays()
      .flatMap(({ contact, isGuard }) => (isGuard ? [contact.key] : []))
      .sort()
  )

const assertDiverse = (route: Route, others: ReadonlyArray<Uint8Array>) => {
  const networks = route.relays.flatMap(({ addresses }) => addresses.map(({ wideNetwork }) => wideNetwork))
  assert.strictEqual(route.relays.length, 3)
  assert.strictEqual(new Set(networks).size, networks.length)
  for (const { key } of route.relays) assert.notInclude(others.map(keyOf), key)
}

describe("OverlayDiscovery", () => {
  it.effect("finds three relays for a path to anybody in a network of five", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 5 })
      const [sender, recipient] = [network.node(4), network.node(1)]
      const to = yield* contactOf(recipient)
      yield* prepared(sender, [to.key])
      const [there, back] = yield* routes(sender, (table) => [table.routeTo(to), table.routeBack([to.key])] as const)
      assertDiverse(Result.getOrThrow(there), [sender.nodeId, recipient.nodeId])
      assertDiverse(Result.getOrThrow(back), [sender.nodeId, recipient.nodeId])
    })
  )

  it.effect("fills the tables of twelve nodes with each other, so that each has a path to each", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 12, sessions: "plain", tempo: "calm" })
      yield* Effect.forEach(network.nodes, (node) => prepared(node), { concurrency: 12 })
      yield* network.advance("1 minute")
      const contacts = yield* Effect.forEach(network.nodes, contactOf)
      for (const node of network.nodes) {
        assert.strictEqual((yield* routes(node, (table) => table.relays())).length, 11)
        for (const to of contacts.filter(({ key }) => key !== keyOf(node.nodeId))) {
          assertDiverse(Result.getOrThrow(yield* routes(node, (table) => table.routeTo(to))), [node.nodeId, to.nodeId])
        }
      }
    })
  )

  it.effect("keeps relays fresh for hours as long as somebody asks for routes", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 8, sessions: "plain", tempo: "calm" })
      const [node, to] = [network.node(0), yield* contactOf(network.node(5))]
      yield* prepared(node)
      for (let turn = 0; turn < 8; turn++) {
        yield* network.advance("55 minutes")
        const route = yield* routes(node, (table) => table.routeTo(to))
        assert.isTrue(Result.isSuccess(route))
      }
      assert.strictEqual(yield* routes(node, (table) => table.relays().filter((it) => it.failures > 0).length), 0)
    })
  )

  it.effect("has the same guards after a restart, met anew before anybody else begins a path", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 10, sessions: "plain", tempo: "calm" })
      const node = network.node(9)
      yield* prepared(node)
      const guards = yield* guardsOf(node)
      assert.strictEqual(guards.length, 3)
      for (let turn = 0; turn < 3; turn++) {
        if (turn === 1) yield* node.crash({ disk: "kept" })
        else yield* node.stop
        yield* network.advance("2 hours")
        yield* node.start
        yield* network.converged({ within: "5 minutes" })
        yield* prepared(node)
        assert.deepStrictEqual(yield* guardsOf(node), guards)
        const first = yield* routes(node, (table) => table.routeBack([]))
        assert.include(guards, Result.getOrThrow(first).relays.at(-1)?.key)
      }
    })
  )

  it.effect("passes a guard over that is gone, and takes it again when it is back", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 9, sessions: "plain" })
      const [node, to] = [network.node(8), yield* contactOf(network.node(0))]
      const firstOf = Effect.gen(function* () {
        yield* prepared(node, [to.key])
        return Result.getOrThrow(yield* routes(node, (table) => table.routeTo(to))).relays[0]!.key
      })
      const guard = yield* firstOf
      const gone = network.nodes.find(({ nodeId }) => keyOf(nodeId) === guard)!
      yield* gone.crash({ disk: "kept" })
      yield* network.advance("1 second")
      const next = yield* firstOf
      assert.notStrictEqual(next, guard)
      const guards = yield* guardsOf(node)
      yield* gone.start
      yield* network.advance("10 minutes")
      assert.deepStrictEqual(yield* guardsOf(node), guards)
      assert.strictEqual(yield* firstOf, guard)
    })
  )

  it.effect("says in time that there are too few relays", () =>
    Effect.gen(function* () {
      const network = yield* TestNetwork.make({ nodes: 3, sessions: "plain" })
      const before = network.now
      const error = yield* network.node(0).run(Effect.flip(Effect.flatMap(RouteTable, (table) => table.prepared([]))))
      assert.match(error.reason, /^2 of 3 relays are known/)
      assert.isBelow(network.now - before, 10_000)
    })
  )

  /** A node with a table of its own and nobody behind it: everything that it asks of others is counted. */
  const alone = Effect.gen(function* () {
    yield* TestClock.setTime(NOW)
    const targets: Array<string> = []
    const probed: Array<string> = []
    const opened: Array<(session: Session) => void> = []
    const closed: Array<(session: Session, reason: CloseReason) => void> = []
    const useful: Array<(contact: Contact) => boolean> = []
    const silent = new Set<string>()
    const inTable: Array<TableContact> = []
    const open: Array<Session> = []
    const queries = {
      lookupNode: (target: Uint8Array) =>
        Effect.as(
          Effect.sync(() => targets.push(keyOf(target))),
          NOBODY
        )
    } as unknown as QueryExecutor["Service"]
    const sessions = {
      list: () => open,
      find: () => undefined,
      keepIf: (isUseful: (contact: Contact) => boolean) => void useful.push(isUseful),
      onOpen: (handle: (session: Session) => void) => Effect.sync(() => opened.push(handle)),
      onClose: (handle: (session: Session, reason: CloseReason) => void) => Effect.sync(() => closed.push(handle))
    } as unknown as SessionManager["Service"]
    const verify: AddressProbe["Service"]["verify"] = ({ nodeId }) =>
      Effect.suspend(() => {
        probed.push(keyOf(nodeId))
        return silent.has(keyOf(nodeId)) ? Effect.never : Effect.void
      })
    const findNode = (nodeId: Uint8Array) => Effect.succeed(keyOf(nodeId) === hidden.key ? hidden : undefined)
    const below = Layer.mergeAll(
      Layer.succeed(QueryExecutor, queries),
      Layer.succeed(SessionManager, sessions),
      Layer.succeed(AddressProbe, { verify }),
      Layer.succeed(Delegates, { findNode } as unknown as Delegates["Service"]),
      table([], true, { list: () => inTable })
    )
    const context = yield* Layer.build(
      OverlayDiscovery.layer.pipe(
        Layer.provideMerge(KnownRecipients.layer),
        Layer.provideMerge(KnownRoutes.layer),
        Layer.provideMerge(Layer.merge(below, MemoryGuardStore.layer)),
        Layer.provideMerge(identity("me", false))
      )
    )
    return {
      open,
      keeps: (contact: Contact) => useful.some((isUseful) => isUseful(contact)),
      targets,
      probed,
      silent,
      inTable,
      opens: (contact: Contact, dialled: boolean) => {
        for (const handle of opened) handle({ ...sessionWith(contact), dialled })
      },
      breaks: (contact: Contact) => {
        for (const handle of closed) handle(sessionWith(contact), "connection lost")
      },
      routes: Context.get(context, RouteTable),
      recipients: Context.get(context, Recipients)
    }
  })

  it.effect("looks for nobody before somebody needs a route, nor an hour after", () =>
    Effect.gen(function* () {
      const { opens, probed, routes, targets } = yield* alone
      for (const contact of relays) opens(contact, true)
      yield* TestClock.adjust("7 days")
      assert.deepStrictEqual([...targets, ...probed], [])
      routes.routeBack([])
      yield* TestClock.adjust("1 hour")
      assert.isAbove(targets.length, 20)
      assert.strictEqual(new Set(targets).size, targets.length, "always another id")
      for (const { key } of relays) assert.notInclude(targets, key)
      const sought = targets.length
      yield* TestClock.adjust("7 days")
      assert.isAtMost(targets.length, sought + SEARCHES)
    })
  )

  it.effect("counts as relays whom it dialled, or the routing table has verified, at once when a route is needed", () =>
    Effect.gen(function* () {
      const { inTable, opens, routes, targets } = yield* alone
      opens(relays[0]!, true)
      opens(relays[1]!, false)
      const at = Math.floor(NOW / 1000)
      for (const [n, contact] of relays.slice(2).entries()) {
        inTable.push({ contact, verifiedAt: n === 0 ? Number.NEGATIVE_INFINITY : at - n, lastSeen: at, failures: 0 })
      }
      yield* routes.prepared([])
      const known = routes.relays().map(({ confirmedAt, contact }) => [contact.key, confirmedAt])
      assert.deepStrictEqual(known.slice(0, 3), [
        [relays[0]!.key, NOW],
        [relays[3]!.key, NOW - 1_000],
        [relays[4]!.key, NOW - 2_000]
      ])
      assert.strictEqual(known.length, relays.length - 2)
      assert.isAtMost(targets.length, SEARCHES)
    })
  )

  it.effect("meets those again that were not heard of for an hour, and lets go of who is silent", () =>
    Effect.gen(function* () {
      const { opens, probed, routes, silent } = yield* alone
      for (const contact of relays) opens(contact, true)
      yield* routes.prepared([])
      silent.add(relays[0]!.key)
      yield* TestClock.adjust("50 minutes")
      assert.deepStrictEqual(probed, [])
      routes.routeBack([])
      yield* TestClock.adjust("50 minutes")
      assert.sameMembers(
        probed,
        relays.map(({ key }) => key)
      )
      const usable = routes.relays().filter(({ confirmedAt }) => Number.isFinite(confirmedAt))
      assert.sameMembers(
        usable.map(({ contact }) => contact.key),
        relays.slice(1).map(({ key }) => key)
      )
    })
  )

  it.effect("meets a relay again whose session broke off, before it makes a path", () =>
    Effect.gen(function* () {
      const { breaks, opens, probed, routes } = yield* alone
      for (const contact of relays) opens(contact, true)
      yield* routes.prepared([])
      breaks(relays[2]!)
      assert.strictEqual(routes.find(relays[2]!.key)?.confirmedAt, Number.NEGATIVE_INFINITY)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(probed, [relays[2]!.key])
      assert.isTrue(Number.isFinite(routes.find(relays[2]!.key)?.confirmedAt))
    })
  )

  it.effect("meets relays of paths that fail again, with others and not at once", () =>
    Effect.gen(function* () {
      const { opens, probed, routes } = yield* alone
      for (const contact of relays) opens(contact, true)
      yield* routes.prepared([])
      yield* TestClock.adjust("21 minutes")
      const path = Result.getOrThrow(routes.routeBack([]))
      for (let n = 0; n < 3; n++) routes.failed(path)
      yield* TestClock.adjust("14 seconds")
      assert.deepStrictEqual(probed, [])
      yield* TestClock.adjust("1 second")
      assert.includeMembers(
        probed,
        path.relays.slice(0, 2).map(({ key }) => key)
      )
      assert.strictEqual(new Set(probed).size, 4)
    })
  )

  it.effect("counts an open session as a sign of life, and as a meeting where it was this node that dialled", () =>
    Effect.gen(function* () {
      const { open, opens, probed, routes } = yield* alone
      for (const contact of relays.slice(0, 6)) opens(contact, true)
      // One has called itself meanwhile, and another one was never met.
      open.push(...relays.slice(1).map((contact, n) => ({ ...sessionWith(contact), dialled: n !== 0 && n !== 8 })))
      for (let turn = 0; turn < 5; turn++) {
        yield* routes.prepared([])
        yield* TestClock.adjust("30 minutes")
      }
      assert.deepStrictEqual([...new Set(probed)], [relays[0]!.key])
      assert.sameMembers(
        routes.relays().map(({ contact }) => contact.key),
        relays.filter((_, n) => n !== 9).map(({ key }) => key)
      )
    })
  )

  it.effect("keeps sessions to guards while routes are needed", () =>
    Effect.gen(function* () {
      const { keeps, opens, routes } = yield* alone
      for (const contact of relays) opens(contact, true)
      yield* routes.prepared([])
      const isGuard = relays.map(({ key }) => routes.find(key)?.isGuard)
      assert.strictEqual(isGuard.filter((it) => it).length, 3)
      assert.deepStrictEqual(relays.map(keeps), isGuard)
      yield* TestClock.adjust("1 hour")
      assert.isFalse(relays.some(keeps))
    })
  )

  it.effect("has recipients looked up by delegates", () =>
    Effect.gen(function* () {
      const { recipients } = yield* alone
      assert.strictEqual(yield* recipients.find(hidden.nodeId), hidden)
      assert.strictEqual((yield* Effect.flip(recipients.find(relays[0]!.nodeId)))._tag, "NoRoute")
    })
  )
})
