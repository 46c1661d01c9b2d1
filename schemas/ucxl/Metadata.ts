/**
 * What is said of encrypted content, sealed with age to the same recipients as the content itself.
 *
 *   [1, address, creator role, [role it is encrypted for], [role it was shared with], content type, timestamp ms,
 *    size, SHA-256 of the age file 32, [holder NodeId 32], replication factor, [CID of age file, CID of metadata] | []]
 *
 * The last is the version before. Strict CBOR; later versions append.
 */
import { Schema } from "effect"
import { Bytes32 } from "#schemas/bytes/bytes"
import { Cid } from "../content/Cid.ts"
import { UcxlAddress } from "./Address.ts"
import { RoleName } from "./Role.ts"

export const CONTENT_TYPE_LIMIT = 127

export class Metadata extends Schema.Class<Metadata>("allium/ucxl/Metadata")({
  address: UcxlAddress,
  creatorRole: RoleName,
  /** Every role that reads it, the shared ones included. */
  encryptedFor: Schema.Array(RoleName).check(Schema.isMaxLength(64)),
  /** Those of them that the relations of the directory would not have made readers. */
  sharedWith: Schema.Array(RoleName).check(Schema.isMaxLength(64)),
  contentType: Schema.String.check(Schema.isMaxLength(CONTENT_TYPE_LIMIT)),
  /** Unix milliseconds, by the author's clock. */
  timestamp: Schema.Int,
  /** Bytes of the plaintext. */
  size: Schema.Int,
  /** SHA-256 of the age file. */
  sha256: Bytes32,
  /** NodeIds of those who took the first block of the age file. */
  holders: Schema.Array(Bytes32).check(Schema.isMaxLength(20)),
  replicationFactor: Schema.Int,
  previous: Schema.UndefinedOr(Schema.Struct({ cid: Cid, metadataCid: Cid }))
}) {}
