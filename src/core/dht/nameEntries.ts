/** What a name stands for, from the records under it: who is believed first (DESIGN.md §10). */
import { Result } from "effect"
import { compareBytes, equalBytes } from "#schemas/bytes/bytes"
import { isDeletion, type NameFields, read } from "#schemas/dht/Name"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { isOpen, standingOf } from "./grants.ts"

export interface Entry {
  readonly value: Uint8Array
  readonly author: PublicKey
  readonly seq: number
  readonly issued: number
  readonly expires: number
  readonly role: number
  /** As it was signed. */
  readonly record: Uint8Array
}

/** Later first; what is of the same second by `seq`, then by author, so that all readers agree. */
const compareTimes = (a: Entry, b: Entry): number =>
  b.issued - a.issued || b.seq - a.seq || compareBytes(a.author, b.author)

const entryOf = (
  { author, authority, expires, grants, issued, seq, value }: NameFields,
  record: Uint8Array,
  now: number
): Entry | undefined => {
  const standing = standingOf({ authority, scope: authority, subject: author, grants }, now)
  if (Result.isFailure(standing)) return undefined
  const until = Math.min(expires, standing.success.expires)
  return { value, author, seq, issued, expires: until, role: standing.success.role, record }
}

/**
 * Best first: by role, then the later; in the open namespace `own`, then the later. Deletions are left out. The records
 * have been verified; `now` in unix seconds.
 */
export const nameEntries = (records: ReadonlyArray<Uint8Array>, own: Uint8Array, now: number): ReadonlyArray<Entry> => {
  const names = records.flatMap((record) =>
    Result.match(read(record), { onFailure: () => [], onSuccess: (name) => [{ name, record }] })
  )
  const open = names.some(({ name }) => isOpen(name.authority))
  const ownFirst = (entry: Entry): number => (open && equalBytes(entry.author, own) ? 0 : 1)
  return names
    .filter(({ name }) => !isDeletion(name))
    .flatMap(({ name, record }) => entryOf(name, record, now) ?? [])
    .sort((a, b) => b.role - a.role || ownFirst(a) - ownFirst(b) || compareTimes(a, b))
}
