/** The CID of content that is in memory, the same that it gets when it is put block by block (WIRE §6, Blob). */
import type { Cid } from "#schemas/content/Cid"
import { LEAF_LENGTH } from "#schemas/content/DagNode"
import { DagBuilder } from "./DagBuilder.ts"

export const contentCid = (sha256: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array): Cid => {
  const builder = new DagBuilder(sha256)
  let at = 0
  do {
    builder.add(bytes.subarray(at, at + LEAF_LENGTH))
    at += LEAF_LENGTH
  } while (at < bytes.length)
  return builder.finish().cid
}
