/**
 * Which keys this node holds together with whom: the ranges of keys over which the r closest nodes are the same.
 *
 * The ids are a tree by their bits. Seen from a key, the nodes that share the longest prefix with it come first, then
 * those of each sibling subtree on the way up. So for all keys under a prefix the r closest are the same unless some
 * subtree is only taken in part and the bits that choose within it are not decided yet: then the prefix is halved. The
 * nodes near this one are all known to it, and so its ranges are right as far as it has to answer for them.
 */
import { compareBytes } from "#schemas/bytes/bytes"
import { KEY_BITS } from "#schemas/dht/Ranges"
import { commonPrefixLength } from "./distance.ts"
import { bitOf, type KeyPrefix, WHOLE } from "./keyPrefix.ts"

export interface ReplicaRange extends KeyPrefix {
  /** The others among the r closest nodes to every key in the range, in no order; their places in `ids`. */
  readonly members: ReadonlyArray<number>
  /** Whether this node is one of them. */
  readonly own: boolean
}

export interface ReplicaOptions {
  /** Nodes that hold a key. */
  readonly factor: number
  /** Ranges are wanted where this node is among so many of the closest; at least `factor`. */
  readonly width: number
  /** Ranges at most: where there would be more, they are as coarse as that, and name only the nodes that are certain. */
  readonly limit: number
}

/** Prefixes that are looked at for each range that may come of it: most lie too far away, and nothing does. */
const LOOKS = 8

/** Bits beyond which no prefix is halved: 2^64 nodes would be needed for a choice to depend on them. */
const DEEPEST = 64

type Tree = { readonly size: number; readonly id: number; readonly zero: Tree; readonly one: Tree } | undefined

/** Ascending by prefix, disjoint. `ids` are the other nodes, without this one. */
export const replicaRanges = (
  own: Uint8Array,
  ids: ReadonlyArray<Uint8Array>,
  { factor, limit, width }: ReplicaOptions
): ReadonlyArray<ReplicaRange> => {
  const self = ids.length
  const all = [...ids, own]
  const root = treeOf(
    all,
    all.map((_, index) => index),
    0
  )
  const ranges: Array<ReplicaRange> = []
  let looks = 0
  const [members, wider]: [Array<number>, Array<number>] = [[], []]

  // Level by level, so that where there are too many, all of them are equally coarse.
  for (let level: ReadonlyArray<KeyPrefix> = [WHOLE]; level.length > 0; ) {
    const next: Array<KeyPrefix> = []
    for (const range of level) {
      if (isHopeless(root, range, own, width)) continue
      const coming = ranges.length + level.length + next.length
      const final = range.bits >= DEEPEST || coming >= limit || ++looks > LOOKS * limit
      members.length = wider.length = 0
      const decided = take(root, 0, factor, range, members) && take(root, 0, width, range, wider)
      if (!decided && !final) next.push(...halves(range))
      // Where it remains open whether this node is close, it counts as if it were: what is compared needlessly is equal.
      else if (!decided || wider.includes(self)) {
        ranges.push({
          ...range,
          own: !decided || members.includes(self),
          members: members.filter((id) => id !== self)
        })
      }
    }
    level = next
  }
  return ranges.sort((a, b) => compareBytes(a.prefix, b.prefix))
}

const halves = ({ bits, prefix }: KeyPrefix): readonly [KeyPrefix, KeyPrefix] => {
  const high = prefix.slice()
  high[bits >> 3] = high[bits >> 3]! | (0x80 >> (bits & 7))
  return [
    { bits: bits + 1, prefix },
    { bits: bits + 1, prefix: high }
  ]
}

const treeOf = (all: ReadonlyArray<Uint8Array>, indices: ReadonlyArray<number>, depth: number): Tree => {
  const [first] = indices
  if (first === undefined) return undefined
  const leaf = { size: indices.length, id: first, zero: undefined, one: undefined }
  if (indices.length === 1 || depth === KEY_BITS) return leaf
  const side = (bit: number) => indices.filter((index) => bitOf(all[index]!, depth) === bit)
  return { ...leaf, zero: treeOf(all, side(0), depth + 1), one: treeOf(all, side(1), depth + 1) }
}

/** Whether `width` others are closer to every key of the range: all that branch off behind this node. */
const isHopeless = (root: Tree, range: KeyPrefix, own: Uint8Array, width: number): boolean => {
  const shared = Math.min(commonPrefixLength(own, range.prefix), range.bits)
  if (shared === range.bits) return false
  let tree = root
  for (let at = 0; at <= shared; at++) tree = bitOf(range.prefix, at) === 1 ? tree?.one : tree?.zero
  return (tree?.size ?? 0) >= width
}

/** The `count` closest of a subtree; false, with those that are certain, where it depends on bits behind the range's. */
const take = (tree: Tree, depth: number, count: number, range: KeyPrefix, into: Array<number>): boolean => {
  if (tree === undefined || count <= 0) return true
  if (tree.size <= count) {
    gather(tree, into)
    return true
  }
  if (depth >= range.bits && tree.zero !== undefined && tree.one !== undefined) return false
  const bit = bitOf(range.prefix, depth)
  const near = bit === 1 ? tree.one : tree.zero
  const far = bit === 1 ? tree.zero : tree.one
  const nearby = near?.size ?? 0
  return (
    take(near, depth + 1, Math.min(count, nearby), range, into) && take(far, depth + 1, count - nearby, range, into)
  )
}

const gather = (tree: Tree, into: Array<number>): void => {
  if (tree === undefined) return
  if (tree.zero === undefined && tree.one === undefined) into.push(tree.id)
  gather(tree.zero, into)
  gather(tree.one, into)
}
