import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { isRenewalDue } from "#core/ucxl/roleGrants"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemorySavedRoles from "#layers/ucxl/MemorySavedRoles"
import { SavedList } from "#layers/ucxl/MemorySavedRoles"
import * as SignedRoleDirectory from "#layers/ucxl/SignedRoleDirectory"
import { RoleDirectory } from "#services/ucxl/RoleDirectory"
import { AUTHORITY, identity, keyOf, OneRecord, role } from "./roles.ts"

const MEMBER = 2
const DAY = 86_400

/** The directory, until the test's scope closes. */
const open = (layer: Layer.Layer<RoleDirectory>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), (services) => Context.get(services, RoleDirectory))

const namesOf = (roles: ReadonlyArray<{ readonly name: string }>) => roles.map(({ name }) => name)

/** What was logged at warning or above while it ran. */
const warnings = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Error") lines.push(String(message))
    })
    const answer = yield* Effect.provide(effect, Logger.layer([logger]))
    return [answer, lines] as const
  })

describe("SignedRoleDirectory", () => {
  it.effect("knows nothing and asks nobody where the settings name no authority", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      network.show(1, [role("developer")])
      const nobody = SignedRoleDirectory.layer({ authority: undefined }).pipe(
        Layer.provide([network.dht, identity(MEMBER), MemorySavedRoles.layer(), NodeCrypto.layer])
      )
      const directory = yield* open(nobody)
      yield* TestClock.adjust("2 days")
      const errors = yield* Effect.all([
        Effect.flip(directory.current),
        Effect.flip(directory.refresh),
        Effect.flip(directory.publish([]))
      ])
      assert.deepStrictEqual(
        errors.map(({ _tag }) => _tag),
        ["NoAuthority", "NoAuthority", "NoAuthority"]
      )
      assert.deepStrictEqual([network.asked, directory.authority], [0, undefined])
    })
  )

  it.effect("publishes as the authority, and every member finds its grant in the list", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      const [authority, member] = [yield* open(network.directory(AUTHORITY)), yield* open(network.directory(MEMBER))]
      const receipt = yield* authority.publish([role("developer"), role("reader", { level: "read-only" })])
      const [ours, theirs] = [yield* authority.current, yield* member.current]
      assert.deepStrictEqual([receipt.seq, ours.seq, theirs.seq], [1, 1, 1])
      assert.deepStrictEqual(theirs.roles, ours.roles)
      assert.strictEqual(theirs.grantsFor("developer", keyOf(MEMBER))?.length, 1)
      assert.isUndefined(theirs.grantsFor("reader", keyOf(MEMBER)))
      const refused = yield* Effect.flip(member.publish([]))
      assert.strictEqual(refused._tag, "NotAuthority")
    })
  )

  it.effect("publishes nothing that contradicts itself", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      const directory = yield* open(network.directory(AUTHORITY))
      const error = yield* Effect.flip(directory.publish([role("developer"), role("developer")]))
      assert.deepInclude(error, { _tag: "RolesInvalid", role: "developer", reason: "is there twice" })
      assert.strictEqual(network.puts, 0)
    })
  )

  it.effect("looks again at its pace, and tells of each change once", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      network.show(1, [role("developer")])
      const directory = yield* open(network.directory(MEMBER))
      assert.deepStrictEqual(namesOf((yield* directory.current).roles), ["developer"])
      const seen = yield* Effect.forkScoped(Stream.runCollect(Stream.take(directory.changes, 2)))
      yield* TestClock.adjust("1 second")

      network.show(2, [role("developer"), role("reader")])
      yield* TestClock.adjust("15 minutes")
      assert.deepStrictEqual(namesOf((yield* directory.current).roles), ["developer", "reader"])
      // Signed anew by its author, and the same: nobody need be told.
      network.shown = { ...network.shown!, seq: 3 }
      yield* TestClock.adjust("15 minutes")
      assert.strictEqual((yield* directory.current).seq, 3)
      network.show(4, [])
      yield* TestClock.adjust("15 minutes")
      assert.deepStrictEqual(
        Array.from(yield* Fiber.join(seen), ({ seq }) => seq),
        [2, 4]
      )
    })
  )

  it.effect("looks soon and ever more rarely until the list is there, and asks once for all who wait", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      const directory = yield* open(network.directory(MEMBER))
      const error = yield* Effect.flip(directory.current)
      assert.match(error._tag === "RolesUnavailable" ? error.reason : "", /nobody has .* \(3 nodes asked\)/)
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(network.asked, 9)
      network.show(1, [role("developer")])
      yield* TestClock.adjust("90 seconds")
      const before = network.asked
      yield* Effect.all([directory.current, directory.current], { concurrency: 2 })
      assert.strictEqual(network.asked, before)
    })
  )

  it.effect("looks for a newer list before somebody is refused, and not for every refusal", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      network.show(1, [role("developer")])
      const directory = yield* open(network.directory(MEMBER))
      yield* directory.current
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(yield* directory.isBehind(1))
      network.show(2, [role("developer"), role("reader")])
      const before = network.asked
      const behind = Effect.all([directory.isBehind(1), directory.isBehind(1)], { concurrency: 2 })
      // It was looked for a moment ago.
      assert.deepStrictEqual([yield* behind, network.asked - before], [[false, false], 0])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* behind, network.asked - before], [[true, true], 1])
      assert.deepStrictEqual(namesOf((yield* directory.current).roles), ["developer", "reader"])
      yield* TestClock.adjust("10 seconds")
      network.cut = true
      assert.deepStrictEqual([yield* directory.isBehind(1), yield* directory.isBehind(2)], [true, false])
    })
  )

  it.effect("never goes back to an older list, not even after a restart", () =>
    Effect.gen(function* () {
      const [network, saved] = [new OneRecord(), new SavedList()]
      network.show(5, [role("developer")])
      yield* Effect.scoped(Effect.flatMap(open(network.directory(MEMBER, saved)), ({ current }) => current))

      network.show(4, [role("developer"), role("intruder", { level: "master" })])
      const again = yield* open(network.directory(MEMBER, saved))
      const [shown, said] = yield* warnings(again.refresh)
      assert.deepStrictEqual([shown.seq, namesOf(shown.roles)], [5, ["developer"]])
      assert.match(said.join(), /older list of roles was shown/)
      network.show(5, [role("intruder", { level: "master" })])
      assert.deepStrictEqual(namesOf((yield* again.refresh).roles), ["developer"])
    })
  )

  it.effect("goes by what it has seen where it is cut off, and by nothing of another authority", () =>
    Effect.gen(function* () {
      const [network, saved] = [new OneRecord(), new SavedList()]
      // Without a member there is no grant that tells whose list it is.
      network.show(5, [role("developer", { members: [] })])
      yield* Effect.scoped(Effect.flatMap(open(network.directory(MEMBER, saved)), ({ current }) => current))
      network.cut = true
      const again = yield* open(network.directory(MEMBER, saved))
      assert.strictEqual((yield* again.current).seq, 5)
      assert.strictEqual((yield* Effect.flip(again.refresh))._tag, "RolesUnavailable")
      assert.strictEqual((yield* again.current).seq, 5)

      const elsewhere = yield* open(network.directory(MEMBER, saved, keyOf(9)))
      assert.strictEqual((yield* Effect.flip(elsewhere.current))._tag, "RolesUnavailable")
      saved.bytes = Uint8Array.of(1, 2, 3)
      const [damaged, said] = yield* warnings(open(network.directory(MEMBER, saved)))
      assert.strictEqual((yield* Effect.flip(damaged.current))._tag, "RolesUnavailable")
      assert.match(said.join(), /saved list of roles cannot be used/)
    })
  )

  it.effect("keeps the good list where the newer one is malformed or granted by somebody else", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      network.show(1, [role("developer")])
      const directory = yield* open(network.directory(MEMBER))
      yield* directory.current
      const bad: ReadonlyArray<readonly [() => void, RegExp]> = [
        [() => (network.shown = { seq: 2, value: Uint8Array.of(0xff) }), /not usable/],
        [() => network.show(3, [role("developer")], 0, 9), /not by the authority/],
        [() => network.show(4, [role("developer", { canDecrypt: ["ghost"] })]), /"developer" may decrypt ghost/]
      ]
      for (const [spoil, reason] of bad) {
        spoil()
        const error = yield* Effect.flip(directory.refresh)
        assert.match(error._tag === "RolesUnavailable" ? error.reason : "", reason)
        assert.strictEqual((yield* directory.current).seq, 1)
      }
    })
  )

  it.effect("renews the grants at half of their life, after a restart too", () =>
    Effect.gen(function* () {
      const [network, saved] = [new OneRecord(), new SavedList()]
      yield* Effect.scoped(
        Effect.gen(function* () {
          const directory = yield* open(network.directory(AUTHORITY, saved))
          yield* directory.publish([role("developer")])
          yield* TestClock.adjust("14 days")
          assert.strictEqual(network.puts, 1)
          yield* TestClock.adjust("2 days")
          assert.strictEqual(network.puts, 2)
          assert.isFalse(isRenewalDue((yield* directory.current).roles, 16 * DAY))
        })
      )
      yield* TestClock.adjust("16 days")
      const again = yield* open(network.directory(AUTHORITY, saved))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(network.puts, 3)
      assert.isFalse(isRenewalDue((yield* again.current).roles, 32 * DAY))
    })
  )

  it.effect("renews nothing where it is no authority, and tries again where the network would not have it", () =>
    Effect.gen(function* () {
      const network = new OneRecord()
      const [authority, member] = [yield* open(network.directory(AUTHORITY)), yield* open(network.directory(MEMBER))]
      yield* authority.publish([role("developer")])
      yield* member.current
      network.cut = true
      yield* TestClock.adjust("16 days")
      assert.strictEqual(network.puts, 1)
      network.cut = false
      yield* TestClock.adjust("8 hours")
      assert.strictEqual(network.puts, 2)
      assert.strictEqual((yield* member.current).seq, 2)
    })
  )
})
