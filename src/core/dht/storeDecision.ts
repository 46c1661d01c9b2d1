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

export interface SetEntry {
  readonly member: Uint8Array
  readonly expires: number
}

/**
 * Room for one more in a set of at most `limit`: the member to drop for it, `undefined` where none need go, or `Full`
 * where every entry outlives the newcomer. What would die first goes first, so freshly announced entries stay.
 */
export const makeRoom = <E extends SetEntry>(
  entries: ReadonlyArray<E>,
  newcomer: SetEntry,
  limit: number
): E | undefined | "Full" => {
  if (entries.length < limit || entries.some((entry) => equalBytes(entry.member, newcomer.member))) return undefined
  let first: E | undefined
  for (const entry of entries) if (first === undefined || entry.expires < first.expires) first = entry
  return first !== undefined && first.expires < newcomer.expires ? first : "Full"
}

/** Unix seconds until which a node keeps a record: the ttl asked for, within the kind's and the record's own limit. */
export const keepUntil = (now: number, ttl: number, kindLimit: number, recordExpires: number | undefined): number =>
  Math.min(now + Math.min(ttl, kindLimit), recordExpires ?? Number.POSITIVE_INFINITY)
