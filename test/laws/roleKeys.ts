/** What every RoleKeys keeps. `fresh` builds a new, empty one. */
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Redacted, type Scope } from "effect"
import { type RoleKey, RoleKeys } from "#services/ucxl/RoleKeys"

/** Of nobody's: made by age-keygen for this file. */
export const IDENTITY = "AGE-SECRET-KEY-1SVW2RLFHL6AJ9RSA37ZUZKQRLD9GSG7PYY2FQ95RSNX7ACESPWQQ9Q8UCM"

export const plain = ({ identity, recipient, role }: RoleKey) => [role, recipient, Redacted.value(identity)]

export const roleKeysLaws = (name: string, fresh: Effect.Effect<Layer.Layer<RoleKeys>, never, Scope.Scope>) => {
  const law = <E>(what: string, body: (keys: RoleKeys["Service"]) => Effect.Effect<void, E>) =>
    it.effect(what, () =>
      Effect.scoped(Effect.flatMap(fresh, (layer) => Effect.provide(Effect.flatMap(RoleKeys, body), layer)))
    )

  describe(`${name} keeps the laws of RoleKeys`, () => {
    law(
      "has no key until one is made, then all of them in their order",
      Effect.fnUntraced(function* (keys) {
        assert.deepStrictEqual(yield* keys.list, [])
        const missing = yield* Effect.flip(keys.find("developer"))
        assert.deepInclude(missing, { _tag: "NoRoleKey", role: "developer" })
        const made = [yield* keys.add("developer"), yield* keys.add("reader"), yield* keys.add("developer")]
        assert.deepStrictEqual((yield* keys.list).map(plain), made.map(plain))
        assert.deepStrictEqual(plain(yield* keys.find("developer")), plain(made[2]!))
        assert.strictEqual(new Set(made.map(({ recipient }) => recipient)).size, 3)
        for (const { identity, recipient } of made) {
          assert.match(Redacted.value(identity), /^AGE-SECRET-KEY-1[0-9A-Z]{58}$/)
          assert.match(recipient, /^age1[0-9a-z]{58}$/)
        }
      })
    )

    law(
      "takes in a key that was made elsewhere, once, and nothing that is none",
      Effect.fnUntraced(function* (keys) {
        const taken = yield* keys.add("developer", Redacted.make(IDENTITY))
        assert.strictEqual(Redacted.value(taken.identity), IDENTITY)
        assert.deepStrictEqual(plain(yield* keys.add("developer", Redacted.make(`${IDENTITY}\n`))), plain(taken))
        assert.strictEqual((yield* keys.list).length, 1)
        const error = yield* Effect.flip(keys.add("developer", Redacted.make(`${IDENTITY.slice(0, -1)}S`)))
        assert.strictEqual(error._tag, "KeyFileUnusable")
        assert.notInclude(JSON.stringify(error), IDENTITY.slice(16, 40))
        assert.strictEqual((yield* keys.list).length, 1)
      })
    )

    law(
      "loses none of those that are added at once",
      Effect.fnUntraced(function* (keys) {
        const roles = Array.from({ length: 20 }, (_, index) => `role-${index}`)
        yield* Effect.forEach(roles, (role) => keys.add(role), { concurrency: 8 })
        assert.sameMembers(
          (yield* keys.list).map(({ role }) => role),
          roles
        )
      })
    )

    law(
      "is sealed and unlocked by its passphrase only, and keeps its keys",
      Effect.fnUntraced(function* (keys) {
        const [one, other] = [Redacted.make("correct horse"), Redacted.make("battery staple")]
        yield* keys.unlock(other)
        const made = yield* keys.add("developer")
        yield* keys.seal(one)
        assert.strictEqual((yield* Effect.flip(keys.unlock(other)))._tag, "WrongPassphrase")
        yield* keys.unlock(one)
        yield* keys.add("reader")
        yield* keys.seal(undefined)
        yield* keys.unlock(other)
        assert.deepStrictEqual(plain((yield* keys.list)[0]!), plain(made))
        assert.strictEqual((yield* keys.list).length, 2)
      })
    )

    law(
      "no way of printing shows a key",
      Effect.fnUntraced(function* (keys) {
        const made = yield* keys.add("developer")
        const printed = `${String(made.identity)} ${JSON.stringify(made)} ${inspect(made, { depth: 9, showHidden: true })}`
        assert.notInclude(printed, Redacted.value(made.identity).slice(16))
        assert.include(printed, "redacted")
      })
    )
  })
}
