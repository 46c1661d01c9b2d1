/**
 * Pairs of records that an author signed under one number. They are kept for whoever wants to hold him to it; the oldest
 * makes room, and of one number one pair is enough.
 */
import { keyOf } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"

export interface Proof {
  readonly kind: number
  readonly key: Uint8Array
  readonly member: Uint8Array
  readonly seq: number
  readonly records: readonly [kept: Uint8Array, other: Uint8Array]
}

/** Kinds whose author counts his versions. In the others the second stands in, and one may say two things in a second. */
const COUNTED = new Set<number>([
  RecordKind.Mutable,
  RecordKind.Peer,
  RecordKind.Commit,
  RecordKind.KeyPackages,
  RecordKind.Name
])

export class Proofs {
  readonly #limit: number
  readonly #proofs = new Map<string, Proof>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#proofs.size
  }

  /** Both signatures have been verified. The records are copied. */
  add({ key, kind, member, records: [kept, other], seq }: Proof): void {
    const name = `${kind} ${seq} ${keyOf(key)}${keyOf(member)}`
    if (!COUNTED.has(kind) || this.#proofs.has(name)) return
    if (this.#proofs.size >= this.#limit) this.#proofs.delete(this.#proofs.keys().next().value ?? "")
    const records = [kept.slice(), other.slice()] as const
    this.#proofs.set(name, { kind, key: key.slice(), member: member.slice(), seq, records })
  }

  /** The latest last. */
  list(): ReadonlyArray<Proof> {
    return [...this.#proofs.values()]
  }
}
