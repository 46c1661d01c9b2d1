/** What `allium explain` is asked about: content by its CID, or a node by any of its names. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { bytesOfHex } from "#schemas/bytes/bytes"
import { type Cid, cidOfText } from "#schemas/content/Cid"
import { type NodeId, nodeIdOfText } from "#schemas/identity/NodeId"
import { publicKeyOfDid } from "#schemas/identity/PublicKey"
import { type Address, parseAddress } from "#schemas/transport/Address"

export type Subject =
  | { readonly _tag: "Content"; readonly cid: Cid }
  | { readonly _tag: "Peer"; readonly nodeId: NodeId; readonly address?: Address }

const content = (cid: Cid): Subject => ({ _tag: "Content", cid })
const peer = (nodeId: NodeId): Subject => ({ _tag: "Peer", nodeId })

const NEITHER = "is neither a CID (bafk…) nor a node (its id in hex, its did:key:…, or an address ending in /p2p/…)"

/** Or in words why it is none of them. */
export const readSubject = (text: string): Result.Result<Subject, string> => {
  if (text.startsWith("/")) {
    return Result.flatMap(parseAddress(text), (address) =>
      address.peer === undefined
        ? Result.fail("has no /p2p/ part: give the whole address, as the node printed it")
        : Result.succeed<Subject>({ _tag: "Peer", nodeId: address.peer, address })
    )
  }
  if (text.startsWith("did:")) {
    return Result.map(publicKeyOfDid(text), (key) =>
      peer(new Uint8Array(createHash("sha256").update(key).digest()) as NodeId)
    )
  }
  if (text.startsWith("Qm")) return Result.map(nodeIdOfText(text), peer)
  const id = text.length === 64 ? bytesOfHex(text) : undefined
  if (id !== undefined) return Result.succeed(peer(id as NodeId))
  return Result.mapError(Result.map(cidOfText(text), content), (reason) =>
    text.startsWith("b") ? `${NEITHER}: ${reason}` : NEITHER
  )
}
