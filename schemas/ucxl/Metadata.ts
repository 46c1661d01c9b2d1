/**
 * What is said of encrypted content, sealed with age to the same recipients as the content itself.
 *
 *   [1, address, creator role, [role it is encrypted for], [role it was shared with], content type, timestamp ms,
 *    size, SHA-256 of the age file 32, [holder NodeId 32], replication factor, [CID of age file, CID of metadata] | []]
 *
 * The last is the version before. Strict CBOR; later versions append.
 */
import { Result, Schema } from "effect"
import { Bytes32 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesOf, isTextUpTo, isUint, textUpTo } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { Cid, cidOfBytes } from "../content/Cid.ts"
import { isAddress, UcxlAddress } from "./Address.ts"
import { RoleName } from "./Role.ts"

/** Bytes of a content type in UTF-8. */
export const CONTENT_TYPE_LIMIT = 127

/** Bytes of metadata, unsealed, that a reader takes: with every list full it has about 11,000. */
export const METADATA_LIMIT = 32 * 1024

/** Of names of roles, and of holders. */
const ROLES_NAMED = 64
export const HOLDERS_NAMED = 20

const VERSION = 1

const isRoleName = Schema.is(RoleName)

const Uint = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

export class Metadata extends Schema.Class<Metadata>("allium/ucxl/Metadata")({
  address: UcxlAddress,
  creatorRole: RoleName,
  /** Every role that reads it, the shared ones included. */
  encryptedFor: Schema.Array(RoleName).check(Schema.isMaxLength(ROLES_NAMED)),
  /** Those of them that the relations of the directory would not have made readers. */
  sharedWith: Schema.Array(RoleName).check(Schema.isMaxLength(ROLES_NAMED)),
  contentType: textUpTo(CONTENT_TYPE_LIMIT),
  /** Unix milliseconds, by the author's clock. */
  timestamp: Uint,
  /** Bytes of the plaintext. */
  size: Uint,
  /** SHA-256 of the age file. */
  sha256: Bytes32,
  /** NodeIds of those who took the first block of the age file. */
  holders: Schema.Array(Bytes32).check(Schema.isMaxLength(HOLDERS_NAMED)),
  replicationFactor: Uint,
  previous: Schema.UndefinedOr(Schema.Struct({ cid: Cid, metadataCid: Cid }))
}) {}

/** The fields without the class. */
export type MetadataFields = Pick<Metadata, keyof typeof Metadata.fields>

const isRoles = (value: CborValue | undefined): value is ReadonlyArray<string> =>
  isArrayUpTo(value, ROLES_NAMED) && value.every(isRoleName)

const isHolders = (value: CborValue | undefined): value is ReadonlyArray<Uint8Array> =>
  isArrayUpTo(value, HOLDERS_NAMED) && value.every((item) => isBytesOf(item, 32))

/** A copy of its own: metadata outlives the bytes that it was read from. */
const cidIn = (value: CborValue | undefined): Cid | undefined =>
  value instanceof Uint8Array ? Result.getOrUndefined(cidOfBytes(value.slice())) : undefined

const previousIn = (value: CborValue | undefined): Result.Result<MetadataFields["previous"], string> => {
  if (!isArrayUpTo(value, 2) || value.length === 1) return Result.fail("malformed link to the version before")
  if (value.length === 0) return Result.succeed(undefined)
  const [cid, metadataCid] = [cidIn(value[0]), cidIn(value[1])]
  return cid === undefined || metadataCid === undefined
    ? Result.fail("malformed link to the version before")
    : Result.succeed({ cid, metadataCid })
}

/** The fields, nothing of them a view of `bytes`; or the word of refusal. */
export const read = (bytes: Uint8Array): Result.Result<MetadataFields, string> => {
  const decoded = decodeArray(bytes, { maxBytes: METADATA_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [version, address, creatorRole, encryptedFor, sharedWith, contentType, timestamp, size] = decoded.success
  const [sha256, holders, replicationFactor, previous] = decoded.success.slice(8)
  if (version !== VERSION) return Result.fail("metadata of another version")
  if (typeof address !== "string" || !isAddress(address)) return Result.fail("malformed address")
  if (!isRoleName(creatorRole)) return Result.fail("malformed role")
  if (!isRoles(encryptedFor) || !isRoles(sharedWith)) return Result.fail("malformed list of roles")
  if (!isTextUpTo(contentType, CONTENT_TYPE_LIMIT)) return Result.fail("malformed content type")
  if (!isUint(timestamp) || !isUint(size) || !isUint(replicationFactor)) return Result.fail("malformed time or size")
  if (!isBytesOf(sha256, 32)) return Result.fail("malformed hash")
  if (!isHolders(holders)) return Result.fail("malformed holders")
  return Result.map(previousIn(previous), (link) => ({
    address,
    creatorRole,
    encryptedFor,
    sharedWith,
    contentType,
    timestamp,
    size,
    sha256: sha256.slice(),
    holders: holders.map((holder) => holder.slice()),
    replicationFactor,
    previous: link
  }))
}

export const write = (metadata: MetadataFields): Uint8Array =>
  encode([
    VERSION,
    metadata.address,
    metadata.creatorRole,
    metadata.encryptedFor,
    metadata.sharedWith,
    metadata.contentType,
    metadata.timestamp,
    metadata.size,
    metadata.sha256,
    metadata.holders,
    metadata.replicationFactor,
    metadata.previous === undefined ? [] : [metadata.previous.cid, metadata.previous.metadataCid]
  ])

export const MetadataFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Metadata, transformation(read, write)))
