/** A version of an address as the index has it: what the metadata says, and whose entry it is. */
import { Result } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { type Cid, cidOfText, cidText } from "#schemas/content/Cid"
import type { Metadata } from "#schemas/ucxl/Metadata"
import type { IndexItem } from "#services/ucxl/ContentIndex"

export interface Authorship {
  readonly did: string
  readonly seq: number
  /** Whether this node is the author. */
  readonly own: boolean
}

/** `recipients`: the digest of whom this node encrypted it to; empty where another did. */
export const indexItem = (
  metadata: Metadata,
  { cid, metadataCid }: { readonly cid: Cid; readonly metadataCid: Cid },
  { did, own, seq }: Authorship,
  recipients: string
): IndexItem => ({
  address: metadata.address,
  creatorRole: metadata.creatorRole,
  encryptedFor: metadata.encryptedFor,
  contentType: metadata.contentType,
  timestamp: metadata.timestamp,
  size: metadata.size,
  sha256: hexOf(metadata.sha256),
  cid: cidText(cid),
  metadataCid: cidText(metadataCid),
  author: did,
  seq,
  own,
  holders: metadata.holders.map(hexOf),
  replicationFactor: metadata.replicationFactor,
  recipients,
  deleted: false
})

/** Where a version stands that the index names; undefined where it names none. */
export const linksOf = (row: IndexItem) => {
  const [cid, metadataCid] = [cidOfText(row.cid), cidOfText(row.metadataCid)]
  if (Result.isFailure(cid) || Result.isFailure(metadataCid)) return undefined
  return { cid: cid.success, metadataCid: metadataCid.success }
}
