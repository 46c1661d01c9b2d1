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

interface Verified {
  /** As a map key. */
  readonly network: string
  readonly contact: Contact
}

export class VerifiedContacts {
  readonly #limit: number
  /** By how the bytes end. */
  readonly #verified = new Map<string, Verified>()

  constructor(limit = VERIFIED_CONTACTS_LIMIT) {
    this.#limit = limit
  }

  get size(): number {
    return this.#verified.size
  }

  /** `network` as a map key. */
  find(network: string, bytes: Uint8Array): Contact | undefined {
    const found = this.#verified.get(endOf(bytes))
    return found !== undefined && found.network === network && equalBytes(found.contact.bytes, bytes)
      ? found.contact
      : undefined
  }

  /** `contact` was verified by the caller, and its bytes do not change any more. */
  add(network: string, contact: Contact): void {
    const end = endOf(contact.bytes)
    this.#verified.delete(end)
    if (this.#verified.size >= this.#limit) this.#verified.delete(this.#verified.keys().next().value ?? "")
    this.#verified.set(end, { network, contact })
  }
}

const endOf = (bytes: Uint8Array): string => keyOf(bytes.subarray(-TAIL))
