import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { Contact } from "#core/identity/Contact"
import { RELAYS_AT_REST } from "#core/router/RelayTable"
import * as KnownRoutes from "#layers/router/KnownRoutes"
import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import { DHT_SERVER, ONION_RELAY, type PeerRecordFields } from "#schemas/identity/PeerRecord"
import { type Route, RouteTable } from "#services/router/RouteTable"
import { NeededFor, PrepareWithin, RecordFreshFor } from "#services/router/Schedules"
import { GuardStore } from "#services/storage/GuardStore"
import { StorageFailed } from "#services/storage/RecordStore"
import { at } from "../../laws/sessionWorld.ts"
import { identity, peer } from "../dht/fixtures.ts"

const NOW = 1_700_000_000_000

/** Number `n`, in a /16 of its own. */
const relay = (n: number, fields: Partial<PeerRecordFields> = {}, address = `/ip4/45.${n}.1.1/tcp/4001`): Contact =>
  peer(`relay ${n}`, { capabilities: DHT_SERVER | ONION_RELAY, addresses: [at(address).bytes], ...fields })

const relays = Array.from({ length: 8 }, (_, n) => relay(n))
const recipient = peer("recipient")

/** Runs it on a node whose guards are in `saved`, and which ends afterwards. */
const onNode = <A, E>(
  saved: MemoryGuardStore.SavedGuards,
  body: (routes: RouteTable["Service"]) => Effect.Effect<A, E>,
  store = MemoryGuardStore.make(saved)
) =>
  Effect.flatMap(RouteTable, body).pipe(
    Effect.provide(KnownRoutes.layer.pipe(Layer.provide([identity("me", false), Layer.succeed(GuardStore, store)])), {
      local: true
    })
  )

const table = <A, E>(name: string, body: (routes: RouteTable["Service"]) => Effect.Effect<A, E>) =>
  it.effect(name, () => Effect.andThen(TestClock.setTime(NOW), onNode(new MemoryGuardStore.SavedGuards(), body)))

const meet = (routes: RouteTable["Service"], contacts: ReadonlyArray<Contact> = relays) => {
  for (const contact of contacts) routes.admit(contact, { reached: true })
}
const keysOf = ({ relays: path }: Route) => path.map(({ key }) => key)
const reasonOf = (answer: Result.Result<Route, { readonly reason: string }>) =>
  Result.isFailure(answer) ? answer.failure.reason : "there is a route"

describe("KnownRoutes", () => {
  table("keeps who offers to relay and can be named in a header, until it offers no more", (routes) =>
    Effect.sync(() => {
      meet(routes, [
        relay(0),
        relay(1, { capabilities: DHT_SERVER }),
        relay(2, {}, "/ip4/192.168.1.1/tcp/1"),
        relay(3, {}, "/dns4/example.org/tcp/1")
      ])
      routes.admit(relay(4), { reached: false })
      assert.deepStrictEqual(
        routes.relays().map(({ contact }) => contact.key),
        [relay(0).key]
      )
      assert.deepInclude(routes.find(relay(0).key), { isGuard: false, since: NOW, confirmedAt: NOW, failures: 0 })
      meet(routes, [relay(0, { seq: 2, capabilities: DHT_SERVER })])
      assert.isUndefined(routes.find(relay(0).key))
    })
  )

  table("never puts an older record in the place of a newer one", (routes) =>
    Effect.sync(() => {
      meet(routes, [relay(0, { seq: 5 })])
      routes.admit(relay(0, { seq: 4 }), { reached: true, at: NOW + 1_000 })
      const known = routes.find(relay(0).key)
      assert.strictEqual(known?.contact.record.seq, 5)
      assert.strictEqual(known?.confirmedAt, NOW)
    })
  )

  table("gives no route over relays that were not confirmed for 90 minutes", (routes) =>
    Effect.gen(function* () {
      yield* routes.searched(true)
      meet(routes)
      assert.isTrue(Result.isSuccess(routes.routeTo(recipient)))
      yield* TestClock.adjust(yield* RecordFreshFor)
      assert.match(reasonOf(routes.routeTo(recipient)), /^0 of 3 relays are known/)
      meet(routes, relays.slice(0, 2))
      assert.match(reasonOf(routes.routeTo(recipient)), /^2 of 3 relays are known/)
    })
  )

  table("knows few relays while nobody needs a route, and many when somebody does", (routes) =>
    Effect.gen(function* () {
      const many = Array.from({ length: 150 }, (_, n) => relay(n))
      meet(routes, many)
      assert.strictEqual(routes.relays().length, RELAYS_AT_REST)
      routes.routeBack([])
      meet(routes, many)
      assert.strictEqual(routes.relays().length, 150)
      yield* TestClock.adjust(yield* NeededFor)
      meet(routes, [relay(200)])
      assert.strictEqual(routes.relays().length, 150)
    })
  )

  table("says what else a route lacks: networks, or a look around", (routes) =>
    Effect.gen(function* () {
      const alike = [relay(0), relay(1), relay(2, {}, "/ip4/45.0.9.9/tcp/1"), relay(3, {}, "/ip4/45.1.9.9/tcp/1")]
      meet(routes, alike)
      assert.match(reasonOf(routes.routeTo(recipient)), /has not found enough relays yet/)
      yield* routes.searched(true)
      assert.match(reasonOf(routes.routeTo(recipient)), /the 4 relays .* fewer than 3 networks/)
    })
  )

  table("has others stand in for guards that are out of reach", (routes) =>
    Effect.gen(function* () {
      meet(routes)
      yield* routes.searched(true)
      const route = Result.getOrThrow(routes.routeTo(recipient))
      for (const { contact, isGuard } of routes.relays()) if (isGuard) routes.guardFailed(contact.key)
      meet(routes, relays.filter(({ key }) => !keysOf(route).includes(key)).slice(0, 2))
      const standIn = Result.getOrThrow(routes.routeTo(recipient))
      assert.notInclude(keysOf(route), keysOf(standIn)[0])
    })
  )

  it.effect("has the same guards after a restart, and waits for them", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(NOW)
      const saved = new MemoryGuardStore.SavedGuards()
      const guardsOf = (routes: RouteTable["Service"]) =>
        routes.relays().flatMap(({ contact, isGuard }) => (isGuard ? [contact.key] : []))
      const before = yield* onNode(saved, (routes) =>
        Effect.gen(function* () {
          meet(routes)
          yield* routes.searched(true)
          Result.getOrThrow(routes.routeTo(recipient))
          return guardsOf(routes)
        })
      )
      assert.strictEqual(saved.all().length, 3)
      yield* TestClock.adjust("3 days")
      const lost = yield* onNode(saved, (routes) =>
        Effect.gen(function* () {
          yield* routes.searched(true)
          assert.sameMembers(
            routes.stale(8).map(({ key }) => key),
            before
          )
          meet(
            routes,
            relays.filter(({ key }) => !before.includes(key))
          )
          assert.match(reasonOf(routes.routeTo(recipient)), /no guard/)
          meet(
            routes,
            relays.filter(({ key }) => key !== before[0])
          )
          assert.include(before.slice(1), keysOf(Result.getOrThrow(routes.routeTo(recipient)))[0])
          routes.missed(before[0]!)
          yield* TestClock.adjust("1 second")
          return saved.all().filter(({ lost }) => lost > 0).length
        })
      )
      assert.strictEqual(lost, 1, "written down at once")
    })
  )

  it.effect("starts and goes on with a store that is broken, or holds what is no guard", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(NOW)
      const failed = Effect.fail(new StorageFailed({ operation: "guards", cause: "broken" }))
      const saved = new MemoryGuardStore.SavedGuards()
      const others = { chosen: 1, until: NOW, lost: 0 }
      saved.keep([
        { nodeId: relay(0).nodeId, record: new Uint8Array(7), ...others },
        { nodeId: relay(0).nodeId, record: relay(1).bytes, ...others }
      ])
      for (const store of [{ load: failed, save: () => failed }, MemoryGuardStore.make(saved)]) {
        yield* onNode(
          saved,
          (routes) =>
            Effect.gen(function* () {
              assert.deepStrictEqual(routes.stale(8), [])
              meet(routes)
              yield* routes.searched(true)
              assert.isTrue(Result.isSuccess(routes.routeTo(recipient)))
              yield* TestClock.adjust("1 second")
            }),
          store
        )
      }
    })
  )

  table("is needed for an hour after it was asked for a route, and waits otherwise", (routes) =>
    Effect.gen(function* () {
      const neededFor = yield* NeededFor
      for (let turn = 0; turn < 2; turn++) {
        const needed = yield* Effect.forkChild(routes.needed)
        yield* TestClock.adjust("1 day")
        assert.isUndefined(needed.pollUnsafe())
        assert.isFalse(routes.isNeeded())
        routes.routeBack([])
        yield* Fiber.join(needed)
        yield* routes.needed
        assert.isTrue(routes.isNeeded())
        yield* TestClock.adjust(neededFor)
        assert.isFalse(routes.isNeeded())
      }
    })
  )

  table("prepares at once where there are relays, else when they were found, or fails in time", (routes) =>
    Effect.gen(function* () {
      const awaited = yield* Effect.forkChild(routes.awaited)
      const preparing = yield* Effect.forkChild(routes.prepared([relay(0).key]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(awaited)
      meet(routes, relays.slice(0, 3))
      yield* routes.searched(true)
      yield* TestClock.adjust("1 second")
      assert.isUndefined(preparing.pollUnsafe(), "one of the three is to be avoided")
      meet(routes)
      yield* routes.searched(true)
      yield* Fiber.join(preparing)
      yield* routes.prepared([])
      yield* TestClock.adjust("1 day")
      const hopeless = yield* Effect.forkChild(Effect.flip(routes.prepared([])))
      yield* TestClock.adjust(yield* PrepareWithin)
      assert.strictEqual((yield* Fiber.join(hopeless))._tag, "NoRoute")
      const later = yield* Effect.forkChild(routes.awaited)
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(later.pollUnsafe(), "nobody waits any more")
    })
  )

  table("keeps its path there and back by one guard until it fails, then by the next", (routes) =>
    Effect.gen(function* () {
      meet(routes)
      yield* routes.searched(true)
      const firsts: Array<string | undefined> = []
      for (let turn = 0; turn < 4; turn++) {
        const [there, back] = [
          Result.getOrThrow(routes.routeTo(recipient)),
          Result.getOrThrow(routes.routeBack([recipient.key]))
        ]
        assert.strictEqual(there.relays[0]?.key, back.relays.at(-1)?.key)
        assert.strictEqual(Result.getOrThrow(routes.routeTo(peer("another"))).relays[0], there.relays[0])
        firsts.push(there.relays[0]?.key)
        routes.failed(there)
        routes.failed(back)
      }
      assert.strictEqual(new Set(firsts).size, 3)
      assert.strictEqual(firsts[3], firsts[0])
    })
  )
})
