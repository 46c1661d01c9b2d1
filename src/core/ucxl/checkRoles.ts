/** Whether roles contradict themselves, each other or a limit: before the authority signs them, and when a node reads them. */
import { Result } from "effect"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { GRANT_LIMIT } from "#schemas/dht/Grant"
import { didOf } from "#schemas/identity/PublicKey"
import { keyOfRecipient } from "#schemas/ucxl/ageKeys"
import {
  EVERY_ROLE,
  grantRoleOf,
  MEMBERS_LIMIT,
  RECIPIENTS_LIMIT,
  ROLE_NAME_LIMIT,
  ROLES_LIMIT,
  type Role
} from "#schemas/ucxl/Role"
import { ROLE_LIST_LIMIT, write } from "#schemas/ucxl/RoleList"

/** Which role is wrong, empty for the whole list, and the rest of a sentence that begins with it. */
export interface RolesFault {
  readonly role: string
  readonly reason: string
}

const NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/

/** A grant of now has 190 bytes; seconds grow one byte in the year 2106. */
const PLACEHOLDER = new Uint8Array(Math.min(200, GRANT_LIMIT))

export const checkRoles = (roles: ReadonlyArray<Role>): Result.Result<void, RolesFault> => {
  if (roles.length > ROLES_LIMIT) return fail("", `there are ${roles.length} roles, and ${ROLES_LIMIT} are the most`)
  const names = new Set<string>()
  for (const { name } of roles) {
    if (names.has(name)) return fail(name, "is there twice")
    names.add(name)
  }
  for (const role of roles) {
    const reason = faultOf(role, names)
    if (reason !== undefined) return fail(role.name, reason)
  }
  const bytes = sizeOf(roles)
  return bytes > ROLE_LIST_LIMIT
    ? fail("", `the list has ${bytes} bytes with its grants, and a record takes ${ROLE_LIST_LIMIT}: use fewer members`)
    : Result.succeed(undefined)
}

/** Bytes of the list as it will be published. */
export const sizeOf = (roles: ReadonlyArray<Role>): number =>
  write(
    roles.map((role) => ({ ...role, grants: grantRoleOf(role.level) === 0 ? [] : role.members.map(() => PLACEHOLDER) }))
  ).length

/** Whether they say the same in the same order, whatever their grants. */
export const sameRoles = (one: ReadonlyArray<Role>, other: ReadonlyArray<Role>): boolean => {
  const plain = (roles: ReadonlyArray<Role>) => write(roles.map((role) => ({ ...role, grants: [] })))
  return equalBytes(plain(one), plain(other))
}

const fail = (role: string, reason: string): Result.Result<never, RolesFault> => Result.fail({ role, reason })

const faultOf = ({ canDecrypt, members, name, recipients }: Role, names: ReadonlySet<string>): string | undefined => {
  if (name.length > ROLE_NAME_LIMIT || !NAME.test(name)) {
    return `is no name: it has 1 to ${ROLE_NAME_LIMIT} of a-z, 0-9 and, inside, . _ -`
  }
  if (recipients.length > RECIPIENTS_LIMIT) return `has more than ${RECIPIENTS_LIMIT} recipients`
  if (members.length > MEMBERS_LIMIT) return `has more than ${MEMBERS_LIMIT} members`
  if (canDecrypt.length > ROLES_LIMIT) return `names more than ${ROLES_LIMIT} roles to decrypt`
  for (const recipient of recipients) {
    const key = keyOfRecipient(recipient)
    if (Result.isFailure(key)) return `has a recipient that is none: ${key.failure}`
  }
  const recipient = twice(recipients)
  if (recipient !== undefined) return `has the recipient ${recipient} twice`
  const member = twice(members.map(keyOf))
  const twin = members.find((it) => keyOf(it) === member)
  if (twin !== undefined) return `has the member ${didOf(twin)} twice`
  const relation = twice(canDecrypt)
  if (relation !== undefined) return `may decrypt ${relation} twice`
  const stranger = canDecrypt.find((it) => it !== EVERY_ROLE && !names.has(it))
  return stranger === undefined ? undefined : `may decrypt ${stranger}, which is no role of the list`
}

const twice = (values: ReadonlyArray<string>): string | undefined =>
  values.find((value, index) => values.indexOf(value) !== index)
