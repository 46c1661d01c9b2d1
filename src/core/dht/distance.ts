/**
 * The XOR metric of Kademlia (Maymounkov and Mazières, 2002, section 2.1) over ids of 32 bytes.
 *
 * Distances are compared, never computed: the first differing byte decides. The head of an id, its first 32 bits, is
 * kept as a number beside it, which decides all but one comparison in four billion between random ids.
 */

/** The first 32 bits, unsigned. */
export const headOf = (id: Uint8Array): number => ((id[0]! << 24) | (id[1]! << 16) | (id[2]! << 8) | id[3]!) >>> 0

/** Negative where `a` is closer to `target`, positive where `b` is, 0 where they are equal. */
export const compareDistance = (target: Uint8Array, a: Uint8Array, b: Uint8Array): number => {
  for (let at = 0; at < target.length; at++) {
    const difference = (a[at]! ^ target[at]!) - (b[at]! ^ target[at]!)
    if (difference !== 0) return difference
  }
  return 0
}

/** Leading bits that two ids share: 0 to 256. */
export const commonPrefixLength = (a: Uint8Array, b: Uint8Array): number => {
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! ^ b[at]!
    if (difference !== 0) return at * 8 + Math.clz32(difference) - 24
  }
  return a.length * 8
}

/** Something with an id, and the head of that id. */
export interface Placed {
  readonly id: Uint8Array
  readonly head: number
}

/**
 * Orders by distance to a target, in place and stably. Insertion sort: the rows are a bucket or a lookup's candidates,
 * short and often nearly in order.
 */
export const sortByDistance = <A extends Placed>(rows: Array<A>, target: Uint8Array, from = 0): void => {
  const head = headOf(target)
  for (let next = from + 1; next < rows.length; next++) {
    const row = rows[next]!
    const distance = (row.head ^ head) >>> 0
    let at = next - 1
    for (; at >= from; at--) {
      const other = rows[at]!
      const others = (other.head ^ head) >>> 0
      if (others < distance || (others === distance && compareDistance(target, other.id, row.id) <= 0)) break
      rows[at + 1] = other
    }
    rows[at + 1] = row
  }
}
