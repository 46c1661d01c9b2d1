/**
 * Contacts that left the routing table because they did not answer, to be looked for again: after a partition both
 * sides have retired each other, and nobody else would ever bring them together (stale-node recovery, DESIGN.md §6).
 *
 * Tried after a minute, then after twice as long each time up to an hour, and forgotten after a day of silence.
 */

/** Contacts remembered; the one retired longest ago makes room. Some 100 bytes each beside the contact itself. */
export const RETIRED_LIMIT = 256

/** Seconds: the first wait, the longest, and how long a contact is looked for at all. */
const FIRST_WAIT = 60
const LONGEST_WAIT = 3_600
const LOOKED_FOR = 86_400

interface Entry<C> {
  readonly contact: C
  readonly since: number
  wait: number
  next: number
}

export class Retired<C extends { readonly key: string }> {
  readonly #entries = new Map<string, Entry<C>>()

  get size(): number {
    return this.#entries.size
  }

  /** It left the table, or was looked for in vain; before its time that says nothing new. `now` in seconds. */
  failed(contact: C, now: number): void {
    const before = this.#entries.get(contact.key)
    if (before !== undefined) {
      if (now < before.next) return
      if (now - before.since >= LOOKED_FOR) this.#entries.delete(contact.key)
      before.wait = Math.min(before.wait * 2, LONGEST_WAIT)
      before.next = now + before.wait
      return
    }
    if (this.#entries.size >= RETIRED_LIMIT) this.#entries.delete(this.#entries.keys().next().value ?? "")
    this.#entries.set(contact.key, { contact, since: now, wait: FIRST_WAIT, next: now + FIRST_WAIT })
  }

  find(key: string): C | undefined {
    return this.#entries.get(key)?.contact
  }

  /** It was met again. */
  remove(key: string): void {
    this.#entries.delete(key)
  }

  /** Whom to look for now. */
  due(now: number): ReadonlyArray<C> {
    const due: Array<C> = []
    for (const entry of this.#entries.values()) if (entry.next <= now) due.push(entry.contact)
    return due
  }
}
