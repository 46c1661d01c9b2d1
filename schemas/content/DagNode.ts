/**
 * An inner node of a Blob: a dag-cbor block `[[link, bytes below] ≤ 512]`, from left to right (WIRE §6).
 *
 * The leaves are raw blocks. Read strictly: there is one block for one list of children.
 */
import { Result, Schema } from "effect"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { CborLink, type CborValue } from "#schemas/bytes/CborValue"
import { isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { BLOCK_LIMIT, Uint53 } from "#schemas/dht/Record"
import { Cid, cidOfBytes, codecOf, DAG_CBOR, RAW } from "./Cid.ts"

/** Bytes of a leaf; only the last is shorter. */
export const LEAF_LENGTH = 32_768

/** Children of a node. At 50 bytes each they stay under a block's limit. */
export const CHILDREN_LIMIT = 512

export const DagChild = Schema.Struct({
  cid: Cid,
  /** Bytes of content below it. */
  size: Uint53.check(Schema.isGreaterThan(0))
})
export type DagChild = typeof DagChild.Type

export class DagNode extends Schema.Class<DagNode>("allium/content/DagNode")({
  children: Schema.Array(DagChild).check(Schema.isBetweenLength(1, CHILDREN_LIMIT))
}) {}

/** The fields without the class. */
export type DagNodeFields = Pick<DagNode, "children">

export const read = (block: Uint8Array): Result.Result<DagNodeFields, string> => {
  const decoded = decodeArray(block, { profile: "dag", maxBytes: BLOCK_LIMIT })
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  if (decoded.success.length === 0 || decoded.success.length > CHILDREN_LIMIT)
    return Result.fail("not 1 to 512 children")
  const children: Array<DagChild> = []
  for (const item of decoded.success) {
    const child = readChild(item)
    if (Result.isFailure(child)) return Result.fail(child.failure)
    children.push(child.success)
  }
  return Result.succeed({ children })
}

export const write = (node: DagNodeFields): Uint8Array =>
  encode(node.children.map(({ cid, size }) => [new CborLink(cid), size]))

/** Bytes of content below a node. */
export const sizeOf = (node: DagNodeFields): number => node.children.reduce((sum, child) => sum + child.size, 0)

export const DagNodeFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(DagNode, transformation(read, write)))

const readChild = (item: CborValue): Result.Result<DagChild, string> => {
  if (!Array.isArray(item) || item.length !== 2) return Result.fail("malformed child")
  const [link, size] = item
  if (!(link instanceof CborLink) || !isUint(size) || size === 0) return Result.fail("malformed child")
  const cid = cidOfBytes(link.bytes)
  if (Result.isFailure(cid)) return Result.fail(cid.failure)
  const codec = codecOf(cid.success)
  return codec === RAW || codec === DAG_CBOR
    ? Result.succeed({ cid: cid.success, size })
    : Result.fail("child of another codec")
}
