import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import * as LiveRoutingTable from "#layers/dht/LiveRoutingTable"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import { parseAddress } from "#schemas/transport/Address"
import { RoutingTable, type TableChange } from "#services/dht/RoutingTable"
import { KnownPeers } from "#services/identity/KnownPeers"
import { AddressProbe } from "#services/session/AddressProbe"
import { ConnectFailed, type Session } from "#services/session/SessionManager"
import { hello } from "../../laws/hello.ts"
import { identity, peer } from "./fixtures.ts"
import { sessionsBut } from "./sessionsDouble.ts"

const address = Result.getOrThrow(parseAddress("/memory/1"))

interface Parts {
  readonly table: RoutingTable["Service"]
  readonly book: KnownPeers["Service"]
  /** A session with this contact has opened. */
  readonly open: (contact: Contact, dialled: boolean) => void
  /** Whom the node looked for, and who is not to be found. */
  readonly probed: Array<string>
  readonly gone: Set<string>
}

const withTable = (body: (parts: Parts) => Effect.Effect<void, unknown>) =>
  Effect.gen(function* () {
    const handlers: Array<(session: Session) => void> = []
    const probed: Array<string> = []
    const gone = new Set<string>()
    const sessions = sessionsBut({
      onOpen: (handle) => Effect.sync(() => void handlers.push(handle))
    })
    const probe = Layer.succeed(AddressProbe, {
      verify: ({ nodeId }) =>
        Effect.suspend(() => {
          const key = String.fromCharCode(...nodeId)
          probed.push(key)
          return gone.has(key) ? new ConnectFailed({ peer: "", layer: "transport", reason: "refused" }) : Effect.void
        })
    })
    const open: Parts["open"] = (contact, dialled) => {
      const session = {
        contact,
        hello,
        dialled,
        address,
        since: 0,
        isOpen: () => true,
        takesRequests: () => true,
        offer: () => true,
        send: () => Effect.void,
        closed: Effect.never,
        close: () => Effect.void
      } satisfies Session
      for (const handle of handlers) handle(session)
    }
    yield* Effect.gen(function* () {
      yield* body({ table: yield* RoutingTable, book: yield* KnownPeers, open, probed, gone })
    }).pipe(
      Effect.provide(
        LiveRoutingTable.layer.pipe(
          Layer.provide([sessions, probe]),
          Layer.provideMerge(VerifiedPeers.layer),
          Layer.provide(identity("me"))
        )
      )
    )
  }).pipe(Effect.scoped)

const shared = (table: RoutingTable["Service"]) => table.shareable(peer("x").nodeId).map((it) => it.key)

describe("LiveRoutingTable", () => {
  it.effect("passes on whom it dialled, at once and for an hour", () =>
    withTable(
      Effect.fnUntraced(function* ({ gone, open, table }) {
        const it = peer("a")
        gone.add(it.key)
        open(it, true)
        assert.deepStrictEqual(shared(table), [it.key])
        yield* TestClock.adjust("59 minutes")
        assert.strictEqual(table.closest(it.nodeId).length, 0, "a contact that is never found any more is retired")
      })
    )
  )

  it.effect("passes on who came by itself only once it was found at its own address", () =>
    withTable(
      Effect.fnUntraced(function* ({ gone, open, probed, table }) {
        const [honest, liar] = [peer("honest"), peer("liar")]
        gone.add(liar.key)
        open(honest, false)
        open(liar, false)
        assert.deepStrictEqual(shared(table), [])
        assert.strictEqual(table.closest(honest.nodeId).length, 2)
        yield* TestClock.adjust(1)
        assert.sameMembers(probed, [honest.key, liar.key])
        assert.deepStrictEqual(shared(table), [honest.key])
      })
    )
  )

  it.effect("verifies its contacts again before the hour is over", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, probed, table }) {
        const it = peer("a")
        open(it, true)
        yield* TestClock.adjust("40 minutes")
        assert.strictEqual(probed.length, 0)
        yield* TestClock.adjust("3 hours")
        assert.isAtLeast(probed.length, 3)
        assert.deepStrictEqual(shared(table), [it.key])
      })
    )
  )

  it.effect("finds a retired contact again when it is back", () =>
    withTable(
      Effect.fnUntraced(function* ({ gone, open, table }) {
        const it = peer("a")
        open(it, true)
        gone.add(it.key)
        for (let strike = 0; strike < 3; strike++) table.failed(it.key)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(table.size(), 0)
        gone.delete(it.key)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(shared(table), [it.key])
      })
    )
  )

  it.effect("does not dial back who came by itself but was reached a moment ago", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, probed }) {
        const it = peer("a")
        open(it, true)
        open(it, false)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(probed, [])
      })
    )
  )

  it.effect("asks nobody whether he lives when a newcomer comes to a full bucket", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, probed, table }) {
        const peers = Array.from({ length: 100 }, (_, n) => peer(`peer ${n}`))
        for (const it of peers) open(it, true)
        assert.isAbove(peers.filter((it) => table.whereabouts(it.key)?.standing === "waiting").length, 5)
        for (const it of peers) open(it, false)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(probed, [])
      })
    )
  )

  it.effect("never takes in a client", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, probed, table }) {
        open(peer("client", { capabilities: 2 }), true)
        table.seen(peer("client", { capabilities: 0 }), true)
        yield* TestClock.adjust(1)
        assert.strictEqual(table.size(), 0)
        assert.strictEqual(probed.length, 0)
      })
    )
  )

  it.effect("drops who says in a newer record that it is a client, and does not look for it", () =>
    withTable(
      Effect.fnUntraced(function* ({ book, open, probed, table }) {
        const server = peer("a")
        open(server, true)
        // Its session is of before; what it answers now counts as of its newest record.
        book.admit(peer("a", { seq: 2, capabilities: 0 }).bytes, 0)
        table.seen(server, false)
        assert.isUndefined(table.whereabouts(server.key))
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(probed, [])
        const again = peer("a", { seq: 3 })
        book.admit(again.bytes, 0)
        open(again, true)
        assert.strictEqual(table.find(server.key)?.contact.record.seq, 3)
      })
    )
  )

  it.effect("tells who enters and who leaves, after it has, until the listener's scope closes", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, table }) {
        const changes: Array<TableChange & { readonly size: number }> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* table.onChange((change) => changes.push({ ...change, size: table.size() }))
            open(peer("a"), true)
            open(peer("a"), false)
            open(peer("b"), false)
            table.seen(peer("a", { seq: 2, capabilities: 0 }), true)
          })
        )
        open(peer("c"), true)
        assert.deepStrictEqual(
          changes.map(({ contact, joined, size }) => [contact.key, joined, size]),
          [
            [peer("a").key, true, 1],
            [peer("b").key, true, 2],
            [peer("a").key, false, 1]
          ]
        )
      })
    )
  )

  it.effect("would name whom it reached itself, and nobody else", () =>
    withTable(({ gone, open, table }) =>
      Effect.sync(() => {
        for (const [name, dialled] of [["a", true] as const, ["b", false] as const]) {
          gone.add(peer(name).key)
          open(peer(name), dialled)
        }
        assert.isTrue(table.isShareable(peer("a").key))
        assert.isFalse(table.isShareable(peer("b").key))
        assert.isFalse(table.isShareable(peer("c").key))
        assert.deepInclude(table.find(peer("a").key), { lastSeen: 0, verifiedAt: 0, failures: 0 })
      })
    )
  )

  it.effect("says where it has a peer: in its place, waiting for one, retired, or nowhere", () =>
    withTable(
      Effect.fnUntraced(function* ({ open, table }) {
        // Half of all peers share no bit with this node, and that bucket has twenty places.
        const peers = Array.from({ length: 60 }, (_, n) => peer(`peer ${n}`))
        for (const it of peers) open(it, true)
        const standings = peers.map((it) => table.whereabouts(it.key)?.standing)
        assert.sameMembers([...new Set(standings)], ["table", "waiting"])
        assert.strictEqual(standings.filter((it) => it === "table").length, table.size())
        const [first] = table.list()
        for (let strike = 0; strike < 3; strike++) table.failed(first!.contact.key)
        const gone = table.whereabouts(first!.contact.key)
        assert.deepInclude(gone, { standing: "retired", contact: first!.contact, lastSeen: undefined, failures: 3 })
        assert.isUndefined(table.whereabouts(peer("stranger").key))
      })
    )
  )
})
