/**
 * The key space from an id's view, farthest first: all keys whose first bit differs from the id's, then those that share
 * one bit with it, and so on. Each of them is one range of ascending keys.
 */

export interface FarRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** Keys that share exactly `bits` leading bits with the id, 0 to 255. */
export const farRange = (id: Uint8Array, bits: number): FarRange => {
  const at = bits >> 3
  const mask = 0x80 >> (bits & 7)
  const from = id.slice()
  from[at] = (from[at]! ^ mask) & ~(mask - 1)
  from.fill(0, at + 1)
  const to = from.slice()
  to[at] = to[at]! | (mask - 1)
  to.fill(0xff, at + 1)
  return { from, to }
}
