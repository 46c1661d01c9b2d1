/** Keys of roles that live as long as the layer: for tests and simulations. Its passphrase locks nothing but the answers. */
import { Effect, Layer, Redacted, Result } from "effect"
import { keyOfIdentity, keyOfSecret, type PlainRoleKey } from "#core/ucxl/roleKeysText"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import { ROLE_KEYS_LIMIT } from "#services/ucxl/Limits"
import { KeyFileUnusable, NoRoleKey, type RoleKey, RoleKeys, WrongPassphrase } from "#services/ucxl/RoleKeys"

const FILE = "memory"
const SECRET_LENGTH = 32

const shown = ({ identity, recipient, role }: PlainRoleKey): RoleKey => ({
  role,
  recipient,
  identity: Redacted.make(identity)
})

export const make = Effect.gen(function* () {
  const [suite, random] = [yield* Crypto, yield* SecureRandom]
  const keys: Array<PlainRoleKey> = []
  let sealedBy: string | undefined
  const unusable = (reason: string) => Effect.fail(new KeyFileUnusable({ file: FILE, reason }))
  return RoleKeys.of({
    list: Effect.sync(() => keys.map(shown)),
    find: (role) =>
      Effect.suspend(() => {
        const key = keys.findLast((it) => it.role === role)
        return key === undefined ? Effect.fail(new NoRoleKey({ role })) : Effect.succeed(shown(key))
      }),
    add: (role, identity) =>
      Effect.suspend(() => {
        const made =
          identity === undefined
            ? Result.succeed(keyOfSecret(suite, role, random.bytes(SECRET_LENGTH)))
            : keyOfIdentity(suite, role, Redacted.value(identity))
        if (Result.isFailure(made)) return unusable(`the key to be taken in is no AGE-SECRET-KEY-1…: ${made.failure}`)
        const key = made.success
        const before = keys.find((it) => it.role === role && it.identity === key.identity)
        if (before !== undefined) return Effect.succeed(shown(before))
        if (keys.length >= ROLE_KEYS_LIMIT) return unusable(`it has ${ROLE_KEYS_LIMIT} keys, which are the most`)
        keys.push(key)
        return Effect.succeed(shown(key))
      }),
    unlock: (passphrase) =>
      Effect.suspend(() =>
        sealedBy === undefined || sealedBy === Redacted.value(passphrase)
          ? Effect.void
          : Effect.fail(new WrongPassphrase({ file: FILE }))
      ),
    seal: (passphrase) =>
      Effect.sync(() => {
        sealedBy = passphrase === undefined ? undefined : Redacted.value(passphrase)
      })
  })
})

export const layer = Layer.effect(RoleKeys, make)
