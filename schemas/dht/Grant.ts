/**
 * One link of a chain of authority: the issuer lets the subject act in a role within a scope (WIRE §6). At most 256 bytes.
 *
 *   [issuer 32, subject 32, role, scope 32, issued, expires, sig 64]
 *
 * A record carries its chain as a list of byte strings, each the CBOR of one grant, from the authority downwards. Whether
 * the links hold together is judged in `src/core/dht/grants.ts`.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesList, isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

/** What the signature is bound to. */
export const GRANT_LABEL = "grant"

/** Grants in one chain, at most. */
export const CHAIN_LIMIT = 4

/** Bytes of one grant, at most: it has 190, and a later version may append to it. */
export const GRANT_LIMIT = 256

/** Of a channel: 1 reader to 4 owner; of an authority: 1 suggestion to 4 master. */
export const LOWEST_ROLE = 1
export const HIGHEST_ROLE = 4

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 6

export class Grant extends Schema.Class<Grant>("allium/dht/Grant")({
  issuer: PublicKey,
  subject: PublicKey,
  role: Schema.Int.check(Schema.isBetween({ minimum: LOWEST_ROLE, maximum: HIGHEST_ROLE })),
  /** The authority's public key, or the id of a channel. */
  scope: Bytes32,
  issued: Uint53,
  expires: Uint53,
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type GrantFields = Pick<Grant, keyof typeof Grant.fields>

/** What stands before the signature. */
export type UnsignedGrant = Omit<typeof Grant.Encoded, "signature">

/** Grants as a record carries them. */
export const GrantList = Schema.Array(bytesUpTo(GRANT_LIMIT)).check(Schema.isMaxLength(CHAIN_LIMIT))

export const isGrantList = (value: CborValue | undefined): value is ReadonlyArray<Uint8Array> =>
  isBytesList(value, CHAIN_LIMIT, GRANT_LIMIT)

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<GrantFields, string> => {
  if (bytes.length > GRANT_LIMIT) return Result.fail("grant above 256 bytes")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [issuer, subject, role, scope, issued, expires, signature] = decoded.success
  if (!isBytesOf(issuer, 32)) return Result.fail("malformed issuer")
  if (!isBytesOf(subject, 32)) return Result.fail("malformed subject")
  if (!isUint(role, HIGHEST_ROLE) || role < LOWEST_ROLE) return Result.fail("malformed role")
  if (!isBytesOf(scope, 32)) return Result.fail("malformed scope")
  if (!isUint(issued) || !isUint(expires)) return Result.fail("malformed time")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({
    issuer: issuer as PublicKey,
    subject: subject as PublicKey,
    role,
    scope,
    issued,
    expires,
    signature
  })
}

/** The array without its signature: what is signed. */
export const unsigned = (grant: UnsignedGrant): Uint8Array => encode(head(grant))

export const write = (grant: typeof Grant.Encoded): Uint8Array => encode([...head(grant), grant.signature])

export const GrantFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Grant, transformation(read, write)))

const head = (grant: UnsignedGrant): Array<CborValue> => [
  grant.issuer,
  grant.subject,
  grant.role,
  grant.scope,
  grant.issued,
  grant.expires
]
