/** Makes a node's own PeerRecord. */
import { Result } from "effect"
import { PEER_RECORD_LIMIT } from "#schemas/dht/Record"
import { ADDRESSES_LIMIT, type PeerRecordFields, read, unsigned, write } from "#schemas/identity/PeerRecord"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Contact, contactOf } from "./Contact.ts"
import type { SigningKey, Suite } from "./Suite.ts"
import { signArray } from "./signature.ts"

export const PEER_LABEL = "peer"

/** Times in unix seconds. Of the addresses, the first that fit the format's 8 and its 1 KiB are taken. */
export interface OwnRecord extends Omit<PeerRecordFields, "publicKey" | "signature"> {}

const fits = (record: PeerRecordFields): boolean => write(record).length <= PEER_RECORD_LIMIT

/** Throws if the fields are none that a record can hold: they are this node's own. */
export const signPeerRecord = (suite: Suite, signing: SigningKey, networkId: Uint8Array, own: OwnRecord): Contact => {
  const draft = {
    ...own,
    addresses: own.addresses.slice(0, ADDRESSES_LIMIT),
    publicKey: signing.publicKey as PublicKey,
    signature: new Uint8Array(64)
  }
  while (draft.addresses.length > 0 && !fits(draft)) draft.addresses.pop()
  const signature = signArray(signing, PEER_LABEL, networkId, unsigned(draft))
  const bytes = write({ ...draft, signature })
  return contactOf(suite, Result.getOrThrow(read(bytes)), bytes)
}
