import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import * as KnownRecipients from "#layers/router/KnownRecipients"
import * as KnownRoutes from "#layers/router/KnownRoutes"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import { keyOf } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { ONION_RELAY, type PeerRecordFields } from "#schemas/identity/PeerRecord"
import { KnownPeers } from "#services/identity/KnownPeers"
import { RECIPIENT_LOOKUPS } from "#services/router/Limits"
import { Recipients } from "#services/router/Recipients"
import { RouteTable } from "#services/router/RouteTable"
import { RecipientKnownFor, RecordFreshFor } from "#services/router/Schedules"
import type { Session } from "#services/session/SessionManager"
import { identity, peer } from "../dht/fixtures.ts"
import { sessionsDouble, sessionWith } from "../dht/sessionsDouble.ts"

const SECONDS = 1_700_000_000
const NOW = SECONDS * 1000

const fresh = (name: string, fields: Partial<PeerRecordFields> = {}): Contact =>
  peer(name, { issued: SECONDS, expires: SECONDS + 86_400, ...fields })

const bob = fresh("bob")
const bobAgain = fresh("bob", { seq: 2 })

/** Its sessions can be changed by the test; lookups are counted, and bring what `found` says. */
const scene = Effect.fnUntraced(function* (registers: boolean) {
  yield* TestClock.setTime(NOW)
  const open: Array<Session> = []
  const asked: Array<string> = []
  const found = new Map<string, Contact>()
  const context = yield* Layer.build(
    KnownRecipients.layer.pipe(
      Layer.provideMerge(KnownRoutes.layer),
      Layer.provideMerge(MemoryGuardStore.layer),
      Layer.provideMerge(
        sessionsDouble(
          () => open,
          () => Effect.never
        )
      ),
      Layer.provideMerge(identity("me"))
    )
  )
  const recipients = yield* Effect.provide(Recipients, context)
  const lookup = (nodeId: NodeId) =>
    Effect.sync(() => {
      asked.push(keyOf(nodeId))
      return found.get(keyOf(nodeId))
    })
  if (registers) yield* recipients.findBy((nodeId) => Effect.delay(lookup(nodeId), "1 second"))
  return {
    open,
    asked,
    found,
    recipients,
    routes: yield* Effect.provide(RouteTable, context),
    book: yield* Effect.provide(KnownPeers, context),
    find: (contact: Contact) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.result(recipients.find(contact.nodeId)))
        yield* TestClock.adjust("2 seconds")
        return yield* Fiber.join(fiber)
      })
  }
})

const contactIn = (result: Result.Result<Contact, unknown>) => Result.getOrUndefined(result)

describe("KnownRecipients", () => {
  it.effect("takes the newest record of whoever has a session, is a relay, or was heard of in the last hour", () =>
    Effect.gen(function* () {
      const { asked, book, find, open, routes } = yield* scene(true)
      open.push(sessionWith(bob, NOW))
      assert.strictEqual(contactIn(yield* find(bob)), bob)
      const told = Result.getOrThrow(book.admit(bobAgain.bytes, SECONDS))
      assert.strictEqual(contactIn(yield* find(bob)), told, "the session's is older")
      open.length = 0
      assert.strictEqual(contactIn(yield* find(bob)), told)
      const carol = fresh("carol", { capabilities: ONION_RELAY })
      routes.admit(carol, { reached: true })
      assert.strictEqual(contactIn(yield* find(carol)), carol)
      assert.deepStrictEqual(asked, [])
      yield* TestClock.adjust(yield* RecipientKnownFor)
      assert.strictEqual(contactIn(yield* find(carol)), carol, "relays count for longer")
      yield* TestClock.adjust(yield* RecordFreshFor)
      for (const contact of [bob, carol]) assert.isUndefined(contactIn(yield* find(contact)))
      assert.deepStrictEqual(asked, [bob.key, carol.key])
    })
  )

  it.effect("takes no record that has expired", () =>
    Effect.gen(function* () {
      const { asked, find, open } = yield* scene(true)
      open.push(sessionWith(fresh("bob", { expires: SECONDS }), NOW))
      assert.isUndefined(contactIn(yield* find(bob)))
      assert.deepStrictEqual(asked, [bob.key])
    })
  )

  it.effect("looks up once for all who ask at one time, and remembers what was found for an hour", () =>
    Effect.gen(function* () {
      const { asked, find, found } = yield* scene(true)
      found.set(bob.key, bob)
      const all = yield* Effect.forEach([1, 2, 3], () => find(bob), { concurrency: 3 })
      assert.isTrue(all.every((it) => contactIn(it) === bob))
      yield* TestClock.adjust("50 minutes")
      assert.strictEqual(contactIn(yield* find(bob)), bob)
      assert.strictEqual(asked.length, 1)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(contactIn(yield* find(bob)), bob)
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("looks up again whom nothing came back from, unless it has shown itself since", () =>
    Effect.gen(function* () {
      const { asked, book, find, found, open, recipients } = yield* scene(true)
      book.admit(bob.bytes, SECONDS)
      open.push(sessionWith(bob, NOW))
      found.set(bob.key, bob)
      recipients.doubt(bob)
      assert.strictEqual(contactIn(yield* find(bob)), bob)
      assert.strictEqual(asked.length, 1)
      yield* find(bob)
      assert.strictEqual(asked.length, 1, "what the lookup brought is believed")
      recipients.doubt(bob)
      open.push(sessionWith(bob, NOW + 60_000))
      open.shift()
      yield* find(bob)
      assert.strictEqual(asked.length, 1, "a session that began after the doubt")
      yield* TestClock.adjust("1 hour")
      open.length = 0
      recipients.doubt(bob)
      book.admit(bobAgain.bytes, SECONDS + 3_600)
      assert.deepStrictEqual(contactIn(yield* find(bob))?.record.seq, 2)
      assert.strictEqual(asked.length, 1, "a record newer than the doubted one")
    })
  )

  it.effect("says that it is not known, where nobody looks it up or nobody knows it", () =>
    Effect.gen(function* () {
      const { find, recipients } = yield* scene(false)
      assert.match(Result.getOrThrow(Result.flip(yield* find(bob))).reason, /nobody looks it up/)
      yield* recipients.findBy(() => Effect.succeed(undefined))
      const scope = yield* Scope.make()
      yield* Scope.provide(
        recipients.findBy(() => Effect.succeed(bob)),
        scope
      )
      assert.strictEqual(contactIn(yield* find(bob)), bob, "the one registered last is asked")
      yield* Scope.close(scope, Exit.void)
      assert.match(Result.getOrThrow(Result.flip(yield* find(fresh("dave")))).reason, /nobody knows its record/)
    })
  )

  it.effect("lets no lookup wait for another one", () =>
    Effect.gen(function* () {
      const { asked, find, recipients } = yield* scene(true)
      const reasons: Array<string> = []
      yield* recipients.findBy(() =>
        Effect.match(recipients.find(fresh("delegate").nodeId), {
          onFailure: ({ reason }) => void reasons.push(reason),
          onSuccess: () => undefined
        })
      )
      yield* find(bob)
      assert.match(reasons.join(), /somebody else is being looked up/)
      assert.deepStrictEqual(asked, [])
    })
  )

  it.effect("goes on with a lookup that its asker gave up, and does not begin too many", () =>
    Effect.gen(function* () {
      const { asked, find, found, recipients } = yield* scene(true)
      found.set(bob.key, bob)
      const impatient = yield* Effect.forkChild(recipients.find(bob.nodeId))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(impatient)
      assert.strictEqual(contactIn(yield* find(bob)), bob)
      assert.strictEqual(asked.length, 1)
      const many = Array.from({ length: RECIPIENT_LOOKUPS + 2 }, (_, n) => fresh(`${n}`))
      const results = yield* Effect.forEach(many, find, { concurrency: "unbounded" })
      const refused = results.filter((it) => Result.isFailure(it) && it.failure.reason.startsWith("too many"))
      assert.strictEqual(refused.length, 2)
    })
  )
})
