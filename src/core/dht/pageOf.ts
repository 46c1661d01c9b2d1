/** Cuts what is under a key into answers (WIRE §6): by ascending SHA-256, as much as fits, and at least one. */
import { compareBytes } from "#schemas/bytes/bytes"
import { RECORDS_LIMIT } from "#schemas/dht/DhtMessage"

/** Id, status, and the heads of the array and its lists. */
export const ANSWER_HEAD = 32
/** A byte string of up to 64 KiB is written behind a head of at most 3 bytes. */
export const ITEM_HEAD = 3

export interface Page {
  readonly page: ReadonlyArray<Uint8Array>
  /** Whether something is left out that stands above it. */
  readonly more: boolean
}

/** From above `after`, a SHA-256 or empty; `room` in bytes, without the `ANSWER_HEAD`. */
export const pageOf = (
  sha256: (bytes: Uint8Array) => Uint8Array,
  found: ReadonlyArray<Uint8Array>,
  after: Uint8Array,
  room: number
): Page => {
  const rest = found
    .map((bytes) => ({ bytes, digest: sha256(bytes) }))
    .filter(({ digest }) => after.length === 0 || compareBytes(digest, after) > 0)
    .sort((a, b) => compareBytes(a.digest, b.digest))
  let left = room
  const fitting = rest.findIndex(({ bytes }) => (left -= bytes.length + ITEM_HEAD) < 0)
  const count = Math.min(fitting < 0 ? rest.length : Math.max(fitting, 1), RECORDS_LIMIT)
  return { page: rest.slice(0, count).map(({ bytes }) => bytes), more: count < rest.length }
}
