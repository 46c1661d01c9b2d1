/** The open sessions of this node: one in use a peer, and those that only finish what is in flight (WIRE.md §3). */
import type { Contact } from "#core/identity/Contact"
import { compareBytes } from "#schemas/bytes/bytes"
import type { Link } from "./Link.ts"

export class SessionTable {
  readonly #self: Uint8Array
  readonly #current = new Map<string, Link>()
  readonly all = new Set<Link>()

  /** The own NodeId decides which of two sessions stays. */
  constructor(self: Uint8Array) {
    this.#self = self
  }

  find(key: string): Link | undefined {
    return this.#current.get(key)
  }

  list(): ReadonlyArray<Link> {
    return [...this.#current.values()]
  }

  /** Enters a new session and settles which one is in use. Both ends come to the same answer. */
  add(link: Link, drainUntil: number): void {
    const before = this.#current.get(link.contact.key)
    this.all.add(link)
    if (before === undefined) {
      this.#current.set(link.contact.key, link)
    } else if (before.boot !== link.boot) {
      this.#current.set(link.contact.key, link)
      before.end("replaced") // of a run of the peer's program that is over
    } else if (this.#newStays(before, link)) {
      this.#current.set(link.contact.key, link)
      before.drainUntil = drainUntil
    } else {
      link.drainUntil = drainUntil
    }
  }

  remove(link: Link): void {
    this.all.delete(link)
    if (this.#current.get(link.contact.key) === link) this.#current.delete(link.contact.key)
  }

  /**
   * The one that is missed least: finishing, then idle and of no use, then idle, then longest unused. A session in use
   * has requests under way, which would fail. Never `newcomer`.
   */
  leastUseful(newcomer: Link, now: number, useful: (contact: Contact) => boolean): Link | undefined {
    let [least, leastRank] = [undefined as Link | undefined, Number.POSITIVE_INFINITY]
    for (const link of this.all) {
      // No rank is below the time of the last use, and whether a peer is of use takes longest to find out.
      if (link === newcomer || (link.drainUntil === undefined && link.lastUsed >= leastRank)) continue
      const idle = now - link.lastUsed >= BUSY
      const rank =
        link.drainUntil !== undefined ? -1 : link.lastUsed + (idle ? (useful(link.contact) ? USEFUL : 0) : IN_USE)
      if (rank < leastRank) [least, leastRank] = [link, rank]
    }
    return least
  }

  /** Of two dialled by different ends, the one that the lower NodeId dialled; else the newer. */
  #newStays(before: Link, link: Link): boolean {
    if (before.dialled === link.dialled) return true
    const selfIsLower = compareBytes(this.#self, link.contact.nodeId) < 0
    return link.dialled === selfIsLower
  }
}

/** Milliseconds since the last frame but heartbeats, within which an answer may be awaited: a first request's patience. */
const BUSY = 3_000

/** Any time is less than any time of a useful peer, and that less than any of a peer in use. */
const USEFUL = 2 ** 51
const IN_USE = 2 ** 52
