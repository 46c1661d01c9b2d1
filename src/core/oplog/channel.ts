/**
 * Plain channels: shared documents without a group, whose operations anybody can read who has them (DESIGN.md §11). What
 * a channel's genesis says decides who may write; every storage node and every replica judges alike.
 */
import { Result } from "effect"
import { areSigned, standingOf } from "#core/dht/grants"
import type { Suite } from "#core/identity/Suite"
import { equalBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import { OpReader } from "#schemas/crdt/Operation"
import type { Chain, Genesis } from "#schemas/dht/Genesis"
import * as Grant from "#schemas/dht/Grant"
import { WEEK_LIFETIME } from "#schemas/dht/Record"

/** Who may write: whoever knows the channel, or the creator and those with his grants. */
export type PlainPolicy = "open" | "granted"

/** Roles of a channel that may write: writer, admin and owner. */
const WRITER = 2

/** Of operations without a group. */
export const NO_EPOCH = new Uint8Array(32)

export const policyHash = (suite: Suite, policy: PlainPolicy): Uint8Array =>
  suite.sha256(utf8(`allium/1 plain ${policy}`))

/** Undefined for a channel that has a group. */
export const plainPolicyOf = (suite: Suite, { policy }: Pick<Genesis, "policy">): PlainPolicy | undefined =>
  (["open", "granted"] as const).find((name) => equalBytes(policy, policyHash(suite, name)))

/** SHA-256 of CBOR ["allium/1 channel", creator, nonce, policy hash]. */
export const channelIdOf = (suite: Suite, { creator, nonce, policy }: typeof Genesis.Encoded): Uint8Array =>
  suite.sha256(encode(["allium/1 channel", creator, nonce, policy]))

/** What a record of a channel says of its author. */
export interface Membership extends Chain {
  readonly channel: Uint8Array
  readonly author: Uint8Array
  readonly epoch: Uint8Array
}

/**
 * Why this author may not write there, if he may not. `at` in unix seconds is when grants have to be valid: now for who
 * stores something new; for a record that says no time of its own, the time of its last grant.
 */
export const membershipRefusal = (
  suite: Suite,
  networkId: Uint8Array,
  { author, channel, epoch, genesis, grants }: Membership,
  at: number
): string | undefined => {
  if (!equalBytes(channelIdOf(suite, genesis), channel)) return "another channel's genesis"
  const policy = plainPolicyOf(suite, genesis)
  if ((policy === undefined) === equalBytes(epoch, NO_EPOCH)) return "an epoch that its channel has not"
  if (policy === "open") return grants.length === 0 ? undefined : "grants where none are needed"
  const claim = { authority: genesis.creator, scope: channel, subject: author, grants }
  const standing = standingOf(claim, at, WEEK_LIFETIME)
  if (Result.isFailure(standing) || standing.success.role < WRITER) return "not granted"
  return areSigned(suite, networkId, grants) ? undefined : "a grant that its issuer has not signed"
}

/** When the last of them was issued; 0 without any. */
export const lastIssued = (grants: ReadonlyArray<Uint8Array>): number => {
  let last = 0
  for (const bytes of grants) {
    const grant = Grant.read(bytes)
    if (Result.isSuccess(grant)) last = Math.max(last, grant.success.issued)
  }
  return last
}

/** What is wrong with the form of a plain batch; whether it fits its document is judged there. */
export const batchRefusal = (operations: Uint8Array): string | undefined => {
  const reader = new OpReader()
  reader.in.reset(operations)
  while (reader.next());
  return reader.in.refusal
}
