/** What `allium role key`, `allium role seal` and `allium role unlock` do. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { Effect, Redacted, Result } from "effect"
import { isRoleName, writeKeys } from "#core/ucxl/roleKeysText"
import { wordOf } from "#layers/ucxl/wholeFile"
import { secretOfIdentity } from "#schemas/ucxl/ageKeys"
import { ROLE_NAME_LIMIT } from "#schemas/ucxl/Role"
import { ask } from "./client.ts"
import { failure, wrongUsage } from "./Failure.ts"
import { count, note, say, sayJson, tell } from "./output.ts"
import { addKey, listKeys, sealKeys, secretKeys } from "./ownRoleKeys.ts"
import { askNewPassphrase, askPassphrase } from "./passphrase.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

const OWNER_ONLY = 0o600
const STDIN = 0

export const checkRoleName = (role: string) =>
  isRoleName(role)
    ? Effect.void
    : Effect.fail(wrongUsage(`"${role}" is no role: it has 1 to ${ROLE_NAME_LIMIT} of a-z, 0-9 and, inside, . _ -`))

/** `to` and `from` are files, or - for the standard streams. */
export const roleKey = Effect.fnUntraced(function* (
  shared: Shared,
  role: string,
  to: string | undefined,
  from: string | undefined
) {
  yield* checkRoleName(role)
  if (to !== undefined && from !== undefined) return yield* wrongUsage("give either --export or --import")
  if (to !== undefined) return yield* exportKeys(shared, role, to)
  if (from !== undefined) return yield* importKeys(shared, role, from)
  const { data, json } = shared
  const known = (yield* listKeys(data, role)).at(-1)
  const key = known ?? (yield* addKey(data, role))
  yield* tell(json, { ...key, made: known === undefined }, ({ recipient }) => recipient)
  if (known === undefined)
    yield* note(`made a key of ${role}: give this recipient to the authority, and keep a copy with --export`)
})

const exportKeys = Effect.fnUntraced(function* ({ data, json }: Shared, role: string, to: string) {
  const keys = (yield* secretKeys(data)).filter((key) => key.role === role)
  if (keys.length === 0)
    return yield* failure(`this node has no key of the role "${role}": "allium role key ${role}" makes one`)
  const text = writeKeys(keys.map(({ identity, ...key }) => ({ ...key, identity: Redacted.value(identity) })))
  if (to === "-") return yield* say(text.trimEnd())
  if (existsSync(to)) return yield* failure(`${to} is there already: remove it, or name another file`)
  yield* Effect.try({
    try: () => writeFileSync(to, text, { flag: "wx", mode: OWNER_ONLY, flush: true }),
    catch: (cause) => failure(`${to} cannot be written (${wordOf(cause)})`)
  })
  yield* tell(json, { role, keys: keys.length, file: to }, () => to)
  yield* note(`${count(keys.length, "key")} of ${role}: whoever has this file reads what is encrypted to it`)
})

/** Bytes of a file of keys, at most. */
const IMPORT_LIMIT = 64 * 1024

const importKeys = Effect.fnUntraced(function* ({ data, json }: Shared, role: string, from: string) {
  const text = yield* Effect.try({
    try: () => readFileSync(from === "-" ? STDIN : from, "utf8"),
    catch: (cause) => failure(`${from === "-" ? "the standard input" : from} cannot be read (${wordOf(cause)})`)
  })
  if (text.length > IMPORT_LIMIT)
    return yield* failure(`${from} is no file of keys: it has more than ${IMPORT_LIMIT} bytes`)
  if (/^(-----BEGIN AGE|age-encryption\.org)/.test(text)) {
    return yield* failure(`${from} is sealed: open it with "age -d ${from}", and give what comes out to --import -`)
  }
  const lines = text.split("\n").map((line) => line.trim())
  const identities = lines.filter((line) => line !== "" && !line.startsWith("#"))
  if (identities.length === 0) return yield* failure(`${from} holds no AGE-SECRET-KEY-1… line`)
  for (const [index, identity] of identities.entries()) {
    const secret = secretOfIdentity(identity)
    if (Result.isFailure(secret))
      return yield* failure(`key ${index + 1} in ${from} is no AGE-SECRET-KEY-1…: ${secret.failure}`)
  }
  for (const identity of identities) {
    const key = yield* addKey(data, role, Redacted.make(identity))
    yield* json ? sayJson({ ...key, made: false }) : say(key.recipient)
  }
  yield* note(
    `${count(identities.length, "key")} of ${role} taken in: ${from === "-" ? "" : `remove ${from}, `}this node keeps its own copy`
  )
})

/** `opens`: without a passphrase from now on. */
export const sealRoleKeys = Effect.fnUntraced(function* ({ data, json }: Shared, opens: boolean) {
  const passphrase = opens ? undefined : yield* askNewPassphrase
  yield* sealKeys(data, passphrase)
  if (json) return yield* sayJson({ sealed: !opens })
  yield* note(
    opens
      ? "the keys are open to whoever reads the file"
      : `the keys are sealed: after each start "allium role unlock" opens them, or ALLIUM_ROLE_PASSPHRASE`
  )
})

export const unlockRoleKeys = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const passphrase = yield* askPassphrase
  yield* ask(data, "opening the keys of roles", (client) =>
    client.roles.unlockKeys({ payload: { passphrase: Redacted.value(passphrase) } })
  )
  if (json) return yield* sayJson({ unlocked: true })
  yield* note("the keys are open until the node ends")
})
