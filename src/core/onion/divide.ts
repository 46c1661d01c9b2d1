/** How an InnerEnvelope is cut for the cells that carry it. */
import { CellClass } from "#schemas/onion/OnionCell"
import { PARTS_LIMIT } from "#schemas/onion/OnionPayload"

/** Pieces of at most `room` bytes, in order; undefined when there would be more than eight. */
export const divide = (envelope: Uint8Array, room: number): ReadonlyArray<Uint8Array> | undefined => {
  if (room <= 0 || envelope.length > room * PARTS_LIMIT) return undefined
  const pieces: Array<Uint8Array> = []
  for (let at = 0; at === 0 || at < envelope.length; at += room) pieces.push(envelope.subarray(at, at + room))
  return pieces
}

/** The smallest class of which one cell holds so many bytes, else the largest. `roomOf` is what a cell of a class holds. */
export const fittingClass = (length: number, roomOf: (cellClass: CellClass) => number): CellClass =>
  CellClass.literals.find((cellClass) => roomOf(cellClass) >= length) ?? 2
