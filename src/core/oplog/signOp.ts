/** Records of a channel as their author makes them (WIRE §6, kinds 5 and 7). */
import type { Signer } from "#core/dht/signRecord"
import { signArray } from "#core/identity/signature"
import * as Op from "#schemas/dht/Op"
import * as Snapshot from "#schemas/dht/Snapshot"

export const signOp = ({ networkId, signing }: Signer, fields: Omit<Op.UnsignedOp, "author">): Uint8Array => {
  const record = { author: signing.publicKey, ...fields }
  return Op.write({ ...record, signature: signArray(signing, "op", networkId, Op.unsigned(record)) })
}

export const signSnapshot = (
  { networkId, signing }: Signer,
  fields: Omit<Snapshot.UnsignedSnapshot, "author">
): Uint8Array => {
  const record = { author: signing.publicKey, ...fields }
  return Snapshot.write({ ...record, signature: signArray(signing, "snapshot", networkId, Snapshot.unsigned(record)) })
}
