/**
 * Content identifiers: CIDv1 over sha2-256, and nothing else, since the digest is the key of a block in the DHT.
 *
 * In memory the binary form: version 1, the codec as a varint, 0x12 0x20, the digest. On screens base32, "bafk…" for
 * raw blocks and "bafy…" for dag-cbor. Any codec is accepted here; what can be read is for the reader of the block.
 */
import { Result, Schema } from "effect"
import { base32 } from "multiformats/bases/base32"
import { CID } from "multiformats/cid"
import { create } from "multiformats/hashes/digest"
import { transformation } from "#schemas/bytes/transformation"

/** Codecs of the multicodec table. */
export const RAW = 0x55
export const DAG_CBOR = 0x71

const SHA2_256 = 0x12
const DIGEST_LENGTH = 32

/** More than any of ours has, so that one of another hash is named in its refusal, and little enough to decode. */
const BYTES_LIMIT = 128
const TEXT_LIMIT = 1 + Math.ceil((BYTES_LIMIT * 8) / 5)

/** Checked by `cidOfBytes`, which is the only way to one besides `cidOfDigest`. */
export type Cid = Uint8Array & { readonly "~allium/Cid": true }

export const cidOfDigest = (codec: number, digest: Uint8Array): Cid =>
  CID.createV1(codec, create(SHA2_256, digest)).bytes as Uint8Array as Cid

/** A view of the last 32 bytes. */
export const digestOf = (cid: Cid): Uint8Array => cid.subarray(cid.length - DIGEST_LENGTH)

export const codecOf = (cid: Cid): number => CID.decode(cid).code

export const cidText = (cid: Cid): string => base32.encode(cid)

/** The same bytes as a Cid, or the word of refusal. */
export const cidOfBytes = (bytes: Uint8Array): Result.Result<Cid, string> => {
  if (bytes.length > BYTES_LIMIT) return Result.fail("not a CID: too long")
  let cid: CID
  try {
    cid = CID.decode(bytes) // refuses numbers in a longer form than needed, and bytes behind
  } catch {
    return Result.fail("not a CID")
  }
  if (cid.version !== 1) return Result.fail("CID of version 0: only version 1 is supported")
  if (cid.multihash.code !== SHA2_256) return Result.fail("CID of another hash: only sha2-256 is supported")
  if (cid.multihash.size !== DIGEST_LENGTH) return Result.fail("CID of a shortened hash")
  return Result.succeed(bytes as Cid)
}

export const cidOfText = (text: string): Result.Result<Cid, string> => {
  if (text.startsWith("Qm")) return Result.fail("CID of version 0: only version 1 is supported")
  if (!text.startsWith("b") || text.length > TEXT_LIMIT) return Result.fail("not a CID in base32")
  let bytes: Uint8Array
  try {
    bytes = base32.decode(text)
  } catch {
    return Result.fail("not a CID in base32")
  }
  return base32.encode(bytes) === text ? cidOfBytes(bytes) : Result.fail("not a CID in base32")
}

export const Cid = Schema.declare((u): u is Cid => u instanceof Uint8Array && Result.isSuccess(cidOfBytes(u)), {
  expected: "a CIDv1 over sha2-256"
})

export const CidFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(
    Cid,
    transformation(cidOfBytes, (cid: Cid): Uint8Array => cid)
  )
)

export const CidFromText = Schema.String.pipe(Schema.decodeTo(Cid, transformation(cidOfText, cidText)))
