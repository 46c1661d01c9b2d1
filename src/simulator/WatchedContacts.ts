/**
 * The contacts that the nodes of a simulated network have verified. Whatever a node takes for signed is looked at once
 * more, and what is not is remembered: a book of contacts shows nobody what it believes.
 */
import type { Contact } from "#core/identity/Contact"
import type { Suite } from "#core/identity/Suite"
import { verifyRecord } from "#core/identity/signature"
import { PEER_LABEL } from "#core/identity/signPeerRecord"
import { VerifiedContacts } from "#core/identity/VerifiedContacts"
import { SIGNATURE_INDEX } from "#schemas/identity/PeerRecord"

/** Contacts that are told; one is enough to know. */
const MOST_TOLD = 20

export class WatchedContacts extends VerifiedContacts {
  /** Taken by some node, and not signed by their own key. */
  readonly unsigned: Array<Contact> = []
  readonly #suite: Suite
  readonly #networkId: Uint8Array

  constructor(suite: Suite, networkId: Uint8Array) {
    super()
    this.#suite = suite
    this.#networkId = networkId
  }

  override add(network: string, contact: Contact): void {
    const { bytes, publicKey } = contact
    const isSigned = verifyRecord(this.#suite, PEER_LABEL, this.#networkId, publicKey, bytes, SIGNATURE_INDEX)
    if (!isSigned && this.unsigned.length < MOST_TOLD) this.unsigned.push(contact)
    super.add(network, contact)
  }
}
