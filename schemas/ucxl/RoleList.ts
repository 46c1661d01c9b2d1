/**
 * The roles of a network as its authority publishes them: the value of a Mutable record (WIRE.md §6, kind 1) under its key
 * and the salt "roles", so at most 60 KiB less 200 bytes.
 *
 *   [1, [[name, level 0–4, [recipient], [can decrypt], [member 32], [grant]] …]]
 *
 * Names and recipients are text, levels are indices into `LEVELS`. One grant (`schemas/dht/Grant.ts`) for each member in
 * their order, and none at all where the level has none. Strict CBOR; later versions append.
 */
import { Result, Schema } from "effect"
import { bytesUpTo, utf8 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesList, isBytesOf, isTextUpTo, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { GRANT_LIMIT } from "#schemas/dht/Grant"
import { VALUE_LIMIT } from "#schemas/dht/Mutable"
import type { PublicKey } from "#schemas/identity/PublicKey"
import {
  AgeRecipient,
  EVERY_ROLE,
  grantRoleOf,
  LEVELS,
  MEMBERS_LIMIT,
  RECIPIENTS_LIMIT,
  ROLE_NAME_LIMIT,
  ROLES_LIMIT,
  Role,
  RoleName
} from "./Role.ts"

/** Of the record. */
export const ROLES_SALT = utf8("roles")

/** Bytes of the value, at most. */
export const ROLE_LIST_LIMIT = VALUE_LIMIT

const VERSION = 1

/** Of the value: every item but those two of the outermost arrays has a byte at least. */
const ITEMS_LIMIT = ROLE_LIST_LIMIT

const RECIPIENT_LENGTH = 62

/** A role, and the grants that the authority signed for its members, in their order; none where the level has none. */
export const ListedRole = Schema.Struct({
  ...Role.fields,
  grants: Schema.Array(bytesUpTo(GRANT_LIMIT)).check(Schema.isMaxLength(MEMBERS_LIMIT))
})
export type ListedRole = typeof ListedRole.Type

const isName = Schema.is(RoleName)
const isRecipient = Schema.is(AgeRecipient)

/** The roles, or the word of refusal. Verifies no grant; whether they contradict each other is for `checkRoles`. */
export const read = (bytes: Uint8Array): Result.Result<ReadonlyArray<ListedRole>, string> => {
  if (bytes.length > ROLE_LIST_LIMIT) return Result.fail(`list of roles above ${ROLE_LIST_LIMIT} bytes`)
  const decoded = decodeArray(bytes, { maxItems: ITEMS_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [version, list] = decoded.success
  if (version !== VERSION) return Result.fail("list of roles of another version")
  if (!isArrayUpTo(list, ROLES_LIMIT)) return Result.fail("malformed list of roles")
  return Result.all(list.map(readRole))
}

export const write = (roles: ReadonlyArray<typeof ListedRole.Encoded>): Uint8Array =>
  encode([
    VERSION,
    roles.map((role): CborValue => {
      const { canDecrypt, grants, level, members, name, recipients } = role
      return [name, LEVELS.indexOf(level), recipients, canDecrypt, members, grants]
    })
  ])

export const RoleListFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(Schema.Array(ListedRole).check(Schema.isMaxLength(ROLES_LIMIT)), transformation(read, write))
)

const readRole = (value: CborValue): Result.Result<ListedRole, string> => {
  if (!Array.isArray(value)) return Result.fail("malformed role")
  const [name, index, recipients, canDecrypt, members, grants] = value as ReadonlyArray<CborValue>
  if (!isTextUpTo(name, ROLE_NAME_LIMIT) || !isName(name)) return Result.fail("malformed name of a role")
  const level = isUint(index) ? LEVELS[index] : undefined
  if (level === undefined) return Result.fail(`malformed level of ${name}`)
  if (!isTexts(recipients, RECIPIENTS_LIMIT, RECIPIENT_LENGTH) || !recipients.every(isRecipient)) {
    return Result.fail(`malformed recipients of ${name}`)
  }
  if (
    !isTexts(canDecrypt, ROLES_LIMIT, ROLE_NAME_LIMIT) ||
    !canDecrypt.every((it) => it === EVERY_ROLE || isName(it))
  ) {
    return Result.fail(`malformed relations of ${name}`)
  }
  if (!isArrayUpTo(members, MEMBERS_LIMIT) || !members.every((member) => isBytesOf(member, 32))) {
    return Result.fail(`malformed members of ${name}`)
  }
  const expected = grantRoleOf(level) === 0 ? 0 : members.length
  if (!isBytesList(grants, MEMBERS_LIMIT, GRANT_LIMIT) || grants.length !== expected) {
    return Result.fail(`malformed grants of ${name}`)
  }
  // Copies: a list is kept for long, and the record that it came in is not.
  const kept = members.map((member) => (member as Uint8Array).slice() as PublicKey)
  return Result.succeed({ name, level, recipients, canDecrypt, members: kept, grants: grants.map((it) => it.slice()) })
}

const isTexts = (value: CborValue | undefined, count: number, max: number): value is ReadonlyArray<string> =>
  isArrayUpTo(value, count) && value.every((item) => isTextUpTo(item, max))
