/**
 * What is gossiped when somebody stored or deleted encrypted content, on the topic SHA-256("allium/ucxl" ‖ authority).
 * The message around it is signed by the author, so it says for whom `seq` counts.
 *
 *   [1, CID of the sealed metadata, seq of the author's entry, SHA-256 of the address 32, CID of the age file | h'']
 *
 * No age file: the entry was deleted, and the metadata is that of the version that stood there, since it alone tells who
 * may read it which address this is about. Strict CBOR; later versions append.
 */
import { Result, Schema } from "effect"
import { Bytes32, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { Cid, cidOfBytes } from "../content/Cid.ts"

/** Bytes of one, at most: it has about 130, and a later version may append to it. */
export const NOTICE_LIMIT = 1024

const VERSION = 1

/** Said of what this version cannot judge. */
export const ANOTHER_VERSION = "notice of another version"

const TOPIC_PREFIX = utf8("allium/ucxl")

const NONE = new Uint8Array(0)

export class Notice extends Schema.Class<Notice>("allium/ucxl/Notice")({
  metadataCid: Cid,
  /** Undefined where the entry was deleted. */
  cid: Schema.UndefinedOr(Cid),
  seq: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  /** SHA-256 of the address in UTF-8: who may not read it does not learn what it is called. */
  digest: Bytes32
}) {}

export type NoticeFields = Pick<Notice, keyof typeof Notice.fields>

/** The fields, nothing of them a view of `bytes`; or the word of refusal. */
export const read = (bytes: Uint8Array): Result.Result<NoticeFields, string> => {
  const decoded = decodeArray(bytes, { maxBytes: NOTICE_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [version, about, seq, digest, age] = decoded.success
  if (version !== VERSION) return Result.fail(ANOTHER_VERSION)
  if (!isUint(seq)) return Result.fail("malformed seq")
  if (!isBytesOf(digest, 32)) return Result.fail("malformed digest")
  if (!(about instanceof Uint8Array) || !(age instanceof Uint8Array)) return Result.fail("malformed CID")
  const metadataCid = cidOfBytes(about.slice())
  if (Result.isFailure(metadataCid)) return Result.fail(metadataCid.failure)
  const cid = age.length === 0 ? Result.succeed(undefined) : cidOfBytes(age.slice())
  return Result.map(cid, (it) => ({ metadataCid: metadataCid.success, cid: it, seq, digest: digest.slice() }))
}

export const write = ({ cid, digest, metadataCid, seq }: NoticeFields): Uint8Array =>
  encode([VERSION, metadataCid, seq, digest, cid ?? NONE])

export const NoticeFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Notice, transformation(read, write)))

/** What the SHA-256 of is the topic. */
export const topicPreimage = (authority: Uint8Array): Uint8Array => concatBytes([TOPIC_PREFIX, authority])
