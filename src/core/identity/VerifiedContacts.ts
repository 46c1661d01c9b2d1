/**
 * PeerRecords whose signature somebody in this process has verified, for the books of many nodes that share it: a
 * simulated network of thousands would else verify and hold each record thousands of times.
 *
 * It remembers one fact, that these bytes are signed as they should be in this network. Whether they are timely, and
 * the newest, is for each book to say. The entry added longest ago makes room.
 */
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { Contact } from "./Contact.ts"

/** Some 1 KiB each. */
export const VERIFIED_CONTACTS_LIMIT = 131_072

/** The end of a record lies within its signature, which no two records share. What is found is compared whole. */
const TAIL = 32

export class VerifiedContacts {
  readonly #limit: number
  readonly #contacts = new Map<string, Contact>()

  constructor(limit = VERIFIED_CONTACTS_LIMIT) {
    this.#limit = limit
  }

  get size(): number {
    return this.#contacts.size
  }

  /** `network` as a map key. */
  find(network: string, bytes: Uint8Array): Contact | undefined {
    const found = this.#contacts.get(slotOf(network, bytes))
    return found !== undefined && equalBytes(found.bytes, bytes) ? found : undefined
  }

  /** `contact` was verified by the caller, and its bytes do not change any more. */
  add(network: string, contact: Contact): void {
    const slot = slotOf(network, contact.bytes)
    this.#contacts.delete(slot)
    if (this.#contacts.size >= this.#limit) this.#contacts.delete(this.#contacts.keys().next().value ?? "")
    this.#contacts.set(slot, contact)
  }
}

const slotOf = (network: string, bytes: Uint8Array): string => network + keyOf(bytes.subarray(-TAIL))
