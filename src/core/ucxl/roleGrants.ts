/**
 * Grants of a list of roles: the authority signs one for each member of each role that may store, and everybody judges
 * them before he takes the list in.
 */
import { Result } from "effect"
import { areSigned } from "#core/dht/grants"
import { type Signer, signGrant } from "#core/dht/signRecord"
import type { Suite } from "#core/identity/Suite"
import { equalBytes } from "#schemas/bytes/bytes"
import { read } from "#schemas/dht/Grant"
import { LIFETIME } from "#schemas/dht/Record"
import { grantRoleOf, type Role } from "#schemas/ucxl/Role"
import type { ListedRole } from "#schemas/ucxl/RoleList"

/** The roles with fresh grants of 30 days; `now` in unix seconds. */
export const grantRoles = (signer: Signer, roles: ReadonlyArray<Role>, now: number): ReadonlyArray<ListedRole> =>
  roles.map(({ canDecrypt, level, members, name, recipients }) => {
    const role = grantRoleOf(level)
    const grantTo = (subject: Uint8Array) =>
      signGrant(signer, { subject, role, scope: signer.signing.publicKey, issued: now, expires: now + LIFETIME })
    return { name, level, recipients, canDecrypt, members, grants: role === 0 ? [] : members.map(grantTo) }
  })

/**
 * What is wrong with the grants of a list that came from elsewhere. That they have run out is not: the list still says who
 * reads what, and whoever stores hears of it.
 */
export const faultOfGrants = (
  suite: Suite,
  networkId: Uint8Array,
  authority: Uint8Array,
  roles: ReadonlyArray<ListedRole>
): string | undefined => {
  for (const { grants, level, members, name } of roles) {
    const expected = grantRoleOf(level)
    if (grants.length !== (expected === 0 ? 0 : members.length))
      return `the grants of ${name} are not one for each member`
    for (const [index, bytes] of grants.entries()) {
      const grant = Result.getOrUndefined(read(bytes))
      const member = members[index]
      if (grant === undefined || member === undefined) return `a grant of ${name} cannot be read`
      const { issuer, role, scope, subject } = grant
      if (!equalBytes(issuer, authority) || !equalBytes(scope, authority))
        return `a grant of ${name} is not by the authority`
      if (!equalBytes(subject, member) || role !== expected)
        return `a grant of ${name} is for somebody or something else`
    }
    if (!areSigned(suite, networkId, grants)) return `a grant of ${name} is not signed by the authority`
  }
  return undefined
}

/** Whether one of the grants has lived half of its life, or cannot be read; `now` in unix seconds. */
export const isRenewalDue = (roles: ReadonlyArray<ListedRole>, now: number): boolean =>
  roles.some(({ grants }) =>
    grants.some((bytes) =>
      Result.match(read(bytes), {
        onFailure: () => true,
        onSuccess: ({ expires, issued }) => now >= issued + (expires - issued) / 2
      })
    )
  )
