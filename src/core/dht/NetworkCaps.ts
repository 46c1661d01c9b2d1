/**
 * How many contacts of each /24 and /48 a routing table holds, and whether one more may come: whoever owns one network
 * cannot fill a bucket, let alone the table, alone.
 */

/** Contacts of one /24 or /48, in a bucket and in all. */
export const PREFIX_IN_BUCKET = 2
export const PREFIX_IN_TABLE = 10

interface OfNetworks {
  readonly prefixes: ReadonlyArray<string>
}

export class NetworkCaps {
  readonly #counts = new Map<string, number>()

  add({ prefixes }: OfNetworks): void {
    for (const prefix of prefixes) this.#counts.set(prefix, (this.#counts.get(prefix) ?? 0) + 1)
  }

  remove({ prefixes }: OfNetworks): void {
    for (const prefix of prefixes) {
      const count = (this.#counts.get(prefix) ?? 0) - 1
      if (count <= 0) this.#counts.delete(prefix)
      else this.#counts.set(prefix, count)
    }
  }

  /** Whether the table has room for it, and `others`, who share its bucket, leave it some. */
  allow({ prefixes }: OfNetworks, others: ReadonlyMap<string, OfNetworks>): boolean {
    for (const prefix of prefixes) if ((this.#counts.get(prefix) ?? 0) >= PREFIX_IN_TABLE) return false
    return areFew(prefixes, others)
  }
}

/** Whether each of these networks has fewer members among `others` than a bucket may hold. */
export const areFew = (prefixes: ReadonlyArray<string>, others: ReadonlyMap<string, OfNetworks>): boolean => {
  for (const prefix of prefixes) {
    let count = 0
    for (const other of others.values()) if (other.prefixes.includes(prefix)) count++
    if (count >= PREFIX_IN_BUCKET) return false
  }
  return true
}
