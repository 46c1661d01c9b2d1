/**
 * Whether somebody may act for an authority: a chain of grants from it down to him (WIRE §6). The authority itself needs
 * none, and in the open namespace, whose authority is nobody, there are none.
 *
 * What costs nothing is judged first; the signatures are for `areSigned`.
 */
import { Result } from "effect"
import { CLOCK_SKEW } from "#core/identity/PeerBook"
import type { Suite } from "#core/identity/Suite"
import { verifyRecord } from "#core/identity/signature"
import { equalBytes } from "#schemas/bytes/bytes"
import { CHAIN_LIMIT, GRANT_LABEL, type GrantFields, HIGHEST_ROLE, read, SIGNATURE_INDEX } from "#schemas/dht/Grant"
import { LIFETIME, OPEN_NAMESPACE } from "#schemas/dht/Record"

/** The authority's own, above every role that it can give. */
export const AUTHORITY_ROLE = HIGHEST_ROLE + 1
/** Of whoever speaks for himself. */
export const OPEN_ROLE = 0

/** That `subject` may act for `authority` within `scope`. */
export interface Claim {
  readonly authority: Uint8Array
  /** The authority's own key, or the id of a channel. */
  readonly scope: Uint8Array
  readonly subject: Uint8Array
  /** Each as its CBOR, from the authority downwards. */
  readonly grants: ReadonlyArray<Uint8Array>
}

export interface Standing {
  /** 0 in the open namespace, 1 to 4 by the last grant, 5 the authority itself. */
  readonly role: number
  /** Unix seconds: when the first of the grants dies. */
  readonly expires: number
}

export type GrantRefusal = "NotGranted" | "Premature" | "Expired"

export const isOpen = (authority: Uint8Array): boolean => equalBytes(authority, OPEN_NAMESPACE)

/** Everything but the signatures. `now` in unix seconds, `lifetime` the longest that a grant may live. */
export const standingOf = (claim: Claim, now: number, lifetime = LIFETIME): Result.Result<Standing, GrantRefusal> => {
  const { authority, grants, scope, subject } = claim
  if (isOpen(authority)) return grants.length === 0 ? forEver(OPEN_ROLE) : notGranted
  if (grants.length === 0) return equalBytes(subject, authority) ? forEver(AUTHORITY_ROLE) : notGranted
  if (grants.length > CHAIN_LIMIT) return notGranted
  let standing = { role: HIGHEST_ROLE, expires: Number.POSITIVE_INFINITY }
  let issuer = authority
  for (const bytes of grants) {
    const parsed = read(bytes)
    if (Result.isFailure(parsed)) return notGranted
    const grant = parsed.success
    if (!equalBytes(grant.issuer, issuer) || !equalBytes(grant.scope, scope)) return notGranted
    if (grant.role > standing.role || grant.expires > standing.expires) return notGranted
    const untimely = refusalOfTimes(grant, now, lifetime)
    if (untimely !== undefined) return Result.fail(untimely)
    standing = { role: grant.role, expires: grant.expires }
    issuer = grant.subject
  }
  return equalBytes(issuer, subject) ? Result.succeed(standing) : notGranted
}

/** Whether each is signed by its issuer, in this network. */
export const areSigned = (suite: Suite, networkId: Uint8Array, grants: ReadonlyArray<Uint8Array>): boolean =>
  grants.every((bytes) => {
    const grant = read(bytes)
    return (
      Result.isSuccess(grant) &&
      verifyRecord(suite, GRANT_LABEL, networkId, grant.success.issuer, bytes, SIGNATURE_INDEX)
    )
  })

const forEver = (role: number): Result.Result<Standing> => Result.succeed({ role, expires: Number.POSITIVE_INFINITY })

const notGranted = Result.fail("NotGranted" as const)

const refusalOfTimes = ({ expires, issued }: GrantFields, now: number, lifetime: number): GrantRefusal | undefined => {
  if (expires <= issued || expires - issued > lifetime) return "NotGranted"
  if (issued > now + CLOCK_SKEW) return "Premature"
  return expires <= now ? "Expired" : undefined
}
