/**
 * A node's keys of roles as text: an identity file of age, so that `age -d -i` takes it as it is.
 *
 *   # role: NAME
 *   # public key: age1…
 *   AGE-SECRET-KEY-1…
 *
 * The line of the role stands somewhere above its key; other comments and empty lines are for people.
 */
import { Result } from "effect"
import type { Suite } from "#core/identity/Suite"
import { identityText, recipientText, secretOfIdentity } from "#schemas/ucxl/ageKeys"
import { ROLE_NAME_LIMIT } from "#schemas/ucxl/Role"

export interface PlainRoleKey {
  readonly role: string
  readonly recipient: string
  readonly identity: string
}

const HEADER = [
  "# Keys of this node's roles, in the format of age: whoever has them reads what was encrypted to them.",
  "# Keep a copy elsewhere; what was encrypted to a key that is lost is lost."
]

const ROLE_LINE = /^#\s*role:\s*(\S+)\s*$/
const ROLE = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/

export const isRoleName = (role: string): boolean => role.length <= ROLE_NAME_LIMIT && ROLE.test(role)

/** The key of a secret of 32 bytes. */
export const keyOfSecret = (suite: Suite, role: string, secret: Uint8Array): PlainRoleKey => ({
  role,
  recipient: recipientText(suite.agreementKey(secret).publicKey),
  identity: identityText(secret)
})

/** The key behind an identity as text; or the word of refusal, which says nothing of it. */
export const keyOfIdentity = (suite: Suite, role: string, identity: string): Result.Result<PlainRoleKey, string> =>
  Result.map(secretOfIdentity(identity.trim()), (secret) => keyOfSecret(suite, role, secret))

export const writeKeys = (keys: ReadonlyArray<PlainRoleKey>): string => {
  const lines = keys.flatMap(({ identity, recipient, role }) => [
    "",
    `# role: ${role}`,
    `# public key: ${recipient}`,
    identity
  ])
  return [...HEADER, ...lines, ""].join("\n")
}

/** At most `limit` keys in their order; or the word of refusal, which names a line and shows none. */
export const readKeys = (
  suite: Suite,
  text: string,
  limit: number
): Result.Result<ReadonlyArray<PlainRoleKey>, string> => {
  const keys: Array<PlainRoleKey> = []
  let role: string | undefined
  for (const [index, raw] of text.split("\n").entries()) {
    const [line, at] = [raw.trim(), `line ${index + 1}`]
    if (line.startsWith("#")) {
      const named = ROLE_LINE.exec(line)?.[1]
      if (named !== undefined && !isRoleName(named)) return Result.fail(`${at} names no role`)
      role = named ?? role
    } else if (line !== "") {
      if (role === undefined) return Result.fail(`${at} has a key without a line "# role: NAME" above it`)
      const key = keyOfIdentity(suite, role, line)
      if (Result.isFailure(key)) return Result.fail(`${at} is no AGE-SECRET-KEY-1…: ${key.failure}`)
      if (keys.length === limit) return Result.fail(`it has more than ${limit} keys`)
      keys.push(key.success)
      role = undefined
    }
  }
  return Result.succeed(keys)
}
