/**
 * The records under one key as several nodes showed them: of each member the newest, and of a set that is too large those
 * that the nodes themselves would keep. What comes of it does not depend on who answered first.
 */
import { compareBytes, keyOf } from "#schemas/bytes/bytes"
import { compareVersions } from "./storeDecision.ts"

export interface Mergeable {
  readonly member: Uint8Array
  readonly seq: number
  readonly rank: number
  readonly bytes: Uint8Array
}

/** Those that stay in a full set come first. */
export const compareRank = (a: Pick<Mergeable, "rank" | "member">, b: Pick<Mergeable, "rank" | "member">): number =>
  b.rank - a.rank || compareBytes(a.member, b.member)

export class MergedSet<R extends Mergeable> {
  readonly #newest = new Map<string, R>()
  readonly #limit: number
  readonly #sha256: (bytes: Uint8Array) => Uint8Array

  constructor(limit: number, sha256: (bytes: Uint8Array) => Uint8Array) {
    this.#limit = limit
    this.#sha256 = sha256
  }

  get size(): number {
    return this.#newest.size
  }

  take(record: R): void {
    const name = keyOf(record.member)
    const before = this.#newest.get(name)
    if (before !== undefined && compareVersions(before, record, this.#sha256) !== "Newer") return
    this.#newest.set(name, record)
    if (this.#newest.size > this.#limit) this.#newest.delete(keyOf(this.records().at(-1)!.member))
  }

  /** What is newer here than this; undefined where nothing is. */
  newerThan(record: R): R | undefined {
    const best = this.#newest.get(keyOf(record.member))
    return best !== undefined && compareVersions(record, best, this.#sha256) === "Newer" ? best : undefined
  }

  /** Best first. */
  records(): ReadonlyArray<R> {
    return [...this.#newest.values()].sort(compareRank)
  }
}
