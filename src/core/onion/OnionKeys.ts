/**
 * The keys that cells are sealed for: a fresh one every day, and for a while the one before it, since others learn the
 * new one only with this node's next PeerRecord. They are made at start and never written down, so a machine that is
 * seized cannot open what passed through it the day before. Times in unix seconds.
 */
import type { AgreementKey } from "#core/identity/Suite"

/** How long a key is the current one (WIRE §4). */
export const KEY_LIFETIME = 24 * 3_600

/** How long the one before it is tried after it. */
export const PREVIOUS_LIFETIME = 2 * 3_600

export class OnionKeys {
  #current: AgreementKey
  #since: number
  /** Built at each change, as every cell asks for it. */
  #usable: ReadonlyArray<AgreementKey>

  constructor(first: AgreementKey, now: number) {
    this.#current = first
    this.#since = now
    this.#usable = [first]
  }

  /** The one to be shown in the PeerRecord. */
  get current(): AgreementKey {
    return this.#current
  }

  /** What a cell may be sealed for, the current one first. Forgets the previous one when its time is over. */
  usable(now: number): ReadonlyArray<AgreementKey> {
    if (this.#usable.length > 1 && now - this.#since >= PREVIOUS_LIFETIME) this.#usable = [this.#current]
    return this.#usable
  }

  rotate(fresh: AgreementKey, now: number): void {
    this.#usable = [fresh, this.#current]
    this.#current = fresh
    this.#since = now
  }
}
