/** Records as their author makes them: the fields, then a signature over all that stands before it (WIRE §6). */
import type { SigningKey } from "#core/identity/Suite"
import { signArray } from "#core/identity/signature"
import * as Announcement from "#schemas/dht/Announcement"
import * as Grant from "#schemas/dht/Grant"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Provider from "#schemas/dht/Provider"

/** Whose record it is, and in which network it counts. */
export interface Signer {
  readonly signing: SigningKey
  readonly networkId: Uint8Array
}

export const signMutable = (
  { networkId, signing }: Signer,
  fields: Omit<Mutable.UnsignedMutable, "author">
): Uint8Array => {
  const record = { author: signing.publicKey, ...fields }
  return Mutable.write({ ...record, signature: signArray(signing, "mutable", networkId, Mutable.unsigned(record)) })
}

export const signProvider = (
  { networkId, signing }: Signer,
  fields: Omit<Provider.UnsignedProvider, "node">
): Uint8Array => {
  const record = { node: signing.publicKey, ...fields }
  return Provider.write({ ...record, signature: signArray(signing, "provider", networkId, Provider.unsigned(record)) })
}

export const signAnnouncement = (
  { networkId, signing }: Signer,
  fields: Omit<Announcement.UnsignedAnnouncement, "node">
): Uint8Array => {
  const record = { node: signing.publicKey, ...fields }
  const signature = signArray(signing, "announce", networkId, Announcement.unsigned(record))
  return Announcement.write({ ...record, signature })
}

export const signName = ({ networkId, signing }: Signer, fields: Omit<Name.UnsignedName, "author">): Uint8Array => {
  const record = { author: signing.publicKey, ...fields }
  return Name.write({ ...record, signature: signArray(signing, "name", networkId, Name.unsigned(record)) })
}

export const signGrant = ({ networkId, signing }: Signer, fields: Omit<Grant.UnsignedGrant, "issuer">): Uint8Array => {
  const grant = { issuer: signing.publicKey, ...fields }
  return Grant.write({ ...grant, signature: signArray(signing, Grant.GRANT_LABEL, networkId, Grant.unsigned(grant)) })
}
