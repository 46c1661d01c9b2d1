/**
 * Where a routing table knows nobody: an id in each empty bucket that is farther than the closest contact.
 * A node that joins looks these up after its own id (Kademlia, section 2.3): without them a whole region may know nobody
 * of another, and lookups end there.
 */
import { commonPrefixLength } from "./distance.ts"

/** Farthest bucket first. `random` gives fresh bytes. */
export const refreshTargets = (
  own: Uint8Array,
  contacts: Iterable<Uint8Array>,
  random: (count: number) => Uint8Array
): ReadonlyArray<Uint8Array> => {
  const filled = new Set<number>()
  for (const id of contacts) filled.add(commonPrefixLength(own, id))
  const closest = Math.max(-1, ...filled)
  const targets: Array<Uint8Array> = []
  for (let index = 0; index < closest; index++) {
    if (!filled.has(index)) targets.push(inBucket(own, index, random(own.length)))
  }
  return targets
}

/** An id that shares exactly the first `index` bits with the own one; the other bits are those of `id`, which becomes it. */
export const inBucket = (own: Uint8Array, index: number, id: Uint8Array): Uint8Array => {
  const [byte, bit] = [index >> 3, 0x80 >> (index & 7)]
  id.set(own.subarray(0, byte))
  const kept = (0xff00 >> (index & 7)) & 0xff
  id[byte] = ((own[byte] ?? 0) & kept) | ((id[byte] ?? 0) & ~kept & 0xff)
  // The first bit that differs.
  id[byte] = ((id[byte] ?? 0) & ~bit) | (~(own[byte] ?? 0) & bit)
  return id
}
