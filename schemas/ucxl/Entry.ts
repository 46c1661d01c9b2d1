/**
 * What a Name record says of an address (DESIGN.md §10): where the content and what is said of it are, nothing readable.
 *
 *   [CID of the age file, CID of the sealed metadata, bytes of the plaintext]
 *
 * Strict CBOR; later versions append. The value of a deleted entry is empty, and no entry.
 */
import { Result, Schema } from "effect"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { Cid, cidOfBytes } from "../content/Cid.ts"
import { NAMED_LIMIT } from "../dht/Name.ts"

export class Entry extends Schema.Class<Entry>("allium/ucxl/Entry")({
  cid: Cid,
  metadataCid: Cid,
  size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
}) {}

export type EntryFields = Pick<Entry, keyof typeof Entry.fields>

/** The fields, nothing of them a view of `bytes`; or the word of refusal. */
export const read = (bytes: Uint8Array): Result.Result<EntryFields, string> => {
  const decoded = decodeArray(bytes, { maxBytes: NAMED_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [content, about, size] = decoded.success
  if (!(content instanceof Uint8Array) || !(about instanceof Uint8Array)) return Result.fail("malformed CID")
  if (!isUint(size)) return Result.fail("malformed size")
  const [cid, metadataCid] = [cidOfBytes(content.slice()), cidOfBytes(about.slice())]
  if (Result.isFailure(cid)) return Result.fail(cid.failure)
  if (Result.isFailure(metadataCid)) return Result.fail(metadataCid.failure)
  return Result.succeed({ cid: cid.success, metadataCid: metadataCid.success, size })
}

export const write = ({ cid, metadataCid, size }: EntryFields): Uint8Array => encode([cid, metadataCid, size])

export const EntryFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Entry, transformation(read, write)))
