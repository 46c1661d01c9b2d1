/** What is kept of a document while it is open: with whom it is to be compared, with whom that went well, with whom it cannot. */
import { Effect, Latch } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { Topic } from "#schemas/gossip/GossipMessage"
import { WAITING_PEERS } from "#services/crdt/Limits"
import type { Log } from "#services/crdt/OpLog"
import { Parted } from "./Parted.ts"

/** Peers remembered of a document, to go back to when the session to them is gone. */
export const PARTNERS = 16

export class KeptDocument {
  readonly log: Log
  readonly topic: Topic
  readonly parted = new Parted()
  /** Those with whom a comparison went well, the latest last. */
  readonly partners = new Map<string, Contact>()
  /** By id: operations that were looked for on the network since the last search for peers. */
  readonly asked = new Set<string>()
  readonly #ownKey: string
  /** By `contact.key`: to be compared with. */
  readonly #due = new Map<string, Contact>()
  readonly #isDue = Latch.makeUnsafe(false)
  /** Sessions that opened and have not told their topics yet. */
  readonly #opened = new Map<string, Contact>()
  readonly #hasOpened = Latch.makeUnsafe(false)

  /** `ownKey` is this node's, which is never compared with. */
  constructor(log: Log, topic: Topic, ownKey: string) {
    this.log = log
    this.topic = topic
    this.#ownKey = ownKey
  }

  /** Peers that wait here, for one thing or the other. */
  get waiting(): number {
    return Math.max(this.#due.size, this.#opened.size)
  }

  get isAnyDue(): boolean {
    return this.#due.size > 0
  }

  enqueue(contact: Contact): void {
    if (contact.key === this.#ownKey) return
    if (this.#due.size >= WAITING_PEERS && !this.#due.has(contact.key)) return
    if (!this.#due.has(contact.key) && this.parted.passes(contact.key)) return
    this.#due.set(contact.key, contact)
    this.#isDue.openUnsafe()
  }

  /** Who became due first, and is no more. */
  next(): Contact | undefined {
    const next = this.#due.values().next().value
    if (next !== undefined) this.#due.delete(next.key)
    return next
  }

  /** Until somebody becomes due. */
  get untilDue(): Effect.Effect<void> {
    return Effect.asVoid(Effect.andThen(this.#isDue.close, this.#isDue.await))
  }

  /** Whether it is about this document is not known yet. */
  hasOpened(contact: Contact): void {
    if (this.#opened.size >= WAITING_PEERS) return
    this.#opened.set(contact.key, contact)
    this.#hasOpened.openUnsafe()
  }

  get untilOpened(): Effect.Effect<void> {
    return Effect.asVoid(this.#hasOpened.await)
  }

  /** Of those whose session opened, the ones among `peers` have this document as well, and are due. */
  sortOpened(peers: ReadonlyArray<Contact>): Effect.Effect<void> {
    for (const contact of peers) if (this.#opened.has(contact.key)) this.enqueue(contact)
    this.#opened.clear()
    return Effect.asVoid(this.#hasOpened.close)
  }

  /** A comparison went well. */
  agreed(peer: Contact): void {
    this.parted.forget(peer.key)
    this.partners.delete(peer.key)
    this.partners.set(peer.key, peer)
    if (this.partners.size > PARTNERS) this.partners.delete(this.partners.keys().next().value!)
  }
}
