/**
 * Whether a record that is offered takes the place of what is held (DESIGN.md §6, WIRE.md §6): never an older one that
 * of a newer. Equal `seq` with other bytes is equivocation: the lower SHA-256 wins, everywhere, so that all replicas
 * settle on the same one whatever reached them first.
 */
import { compareBytes, equalBytes } from "#schemas/bytes/bytes"

export interface Version {
  readonly seq: number
  readonly bytes: Uint8Array
}

/** `Same` may still live longer than what is held; `Older` and `Conflict` are refusals. */
export type Comparison = "Newer" | "Same" | "Older" | "Conflict"

export const compareVersions = (
  held: Version,
  offered: Version,
  sha256: (bytes: Uint8Array) => Uint8Array
): Comparison => {
  if (offered.seq !== held.seq) return offered.seq > held.seq ? "Newer" : "Older"
  if (equalBytes(held.bytes, offered.bytes)) return "Same"
  return compareBytes(sha256(offered.bytes), sha256(held.bytes)) < 0 ? "Newer" : "Conflict"
}

/** An entry under a key, as what is offered and what is held are compared. */
export interface Entry extends Version {
  /** Of a set what tells its entries apart, else empty. */
  readonly member: Uint8Array
}

/** What a set has room for, and who stays where there is none. */
export interface Rules<E> {
  readonly limit: number
  /** Higher stays; of equal rank the lower member, so that it does not matter who came first. */
  readonly rankOf: (entry: E) => number
  /** Networks that an entry's node is in, of which `perNetwork` entries may come from each; none where that is free. */
  readonly networksOf: (entry: E) => ReadonlyArray<string>
  readonly perNetwork: number
}

export type Verdict<E> =
  /** The member's earlier version; `same` bytes may still live longer than before. */
  | { readonly _tag: "Replaces"; readonly before: E; readonly same: boolean }
  | { readonly _tag: "Joins"; readonly leaving: ReadonlyArray<E> }
  /** `rival` is what it lost to, where that is of the same member. */
  | { readonly _tag: "Refused"; readonly refusal: "Older" | "Conflict" | "Quota"; readonly rival: E | undefined }

/** What a record meets that is offered for a key. `held` are the live entries under that key. */
export const judge = <E extends Entry>(
  offered: E,
  held: ReadonlyArray<E>,
  rules: Rules<E>,
  sha256: (bytes: Uint8Array) => Uint8Array
): Verdict<E> => {
  const before = held.find((entry) => equalBytes(entry.member, offered.member))
  if (before !== undefined) {
    const comparison = compareVersions(before, offered, sha256)
    return comparison === "Newer" || comparison === "Same"
      ? { _tag: "Replaces", before, same: comparison === "Same" }
      : { _tag: "Refused", refusal: comparison, rival: before }
  }
  const leaving = makeRoom(offered, held, rules)
  return leaving === undefined ? { _tag: "Refused", refusal: "Quota", rival: undefined } : { _tag: "Joins", leaving }
}

/** Those that leave for a newcomer; undefined where it would itself be the first to leave. */
const makeRoom = <E extends Entry>(
  newcomer: E,
  held: ReadonlyArray<E>,
  rules: Rules<E>
): ReadonlyArray<E> | undefined => {
  const leaving = new Set<E>()
  const makeWay = (among: ReadonlyArray<E>, limit: number): boolean => {
    for (;;) {
      const staying = among.filter((entry) => !leaving.has(entry))
      if (staying.length < limit) return true
      const last = staying.reduce((a, b) => (outranks(a, b, rules) ? b : a))
      if (!outranks(newcomer, last, rules)) return false
      leaving.add(last)
    }
  }
  for (const network of rules.networksOf(newcomer)) {
    const neighbours = held.filter((entry) => rules.networksOf(entry).includes(network))
    if (!makeWay(neighbours, rules.perNetwork)) return undefined
  }
  return makeWay(held, rules.limit) ? [...leaving] : undefined
}

const outranks = <E extends Entry>(a: E, b: E, { rankOf }: Rules<E>): boolean => {
  const difference = rankOf(a) - rankOf(b)
  return difference > 0 || (difference === 0 && compareBytes(a.member, b.member) < 0)
}

/** Unix seconds until which a node keeps a record: the ttl asked for, within the kind's and the record's own limit. */
export const keepUntil = (now: number, ttl: number, kindLimit: number, recordExpires: number | undefined): number =>
  Math.min(now + Math.min(ttl, kindLimit), recordExpires ?? Number.POSITIVE_INFINITY)
