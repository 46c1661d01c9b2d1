/**
 * The routing table's rules on plain arrays, bucket by bucket, everything counted anew at each step. The table is held
 * to it by generated commands.
 */
import { K, REPLACEMENTS, STRIKES } from "#core/dht/BucketTable"
import { commonPrefixLength } from "#core/dht/distance"
import { PREFIX_IN_BUCKET, PREFIX_IN_TABLE } from "#core/dht/NetworkCaps"
import { networksIn } from "#core/dht/networks"
import type { TableNode } from "#core/dht/TableEntry"

interface Entry {
  readonly node: TableNode
  readonly verifiedAt: number
  readonly lastSeen: number
  readonly failures: number
}

interface Bucket {
  /** Least recently seen first. */
  live: ReadonlyArray<Entry>
  waiting: ReadonlyArray<Entry>
}

const NEVER = Number.NEGATIVE_INFINITY

export const naiveTable = (own: Uint8Array, capped: boolean) => {
  const buckets = Array.from({ length: 256 }, (): Bucket => ({ live: [], waiting: [] }))
  const lookedUpAt = new Map<number, number>()
  const bucketOf = ({ nodeId }: TableNode): Bucket => buckets[commonPrefixLength(own, nodeId)]!
  const all = () => buckets.flatMap(({ live }) => live)

  const ofPrefix = (entries: ReadonlyArray<Entry>, prefix: string) =>
    entries.filter(({ node }) => networksIn(node.addresses).includes(prefix)).length
  const fits = (node: TableNode): boolean =>
    !capped ||
    networksIn(node.addresses).every(
      (prefix) => ofPrefix(all(), prefix) < PREFIX_IN_TABLE && ofPrefix(bucketOf(node).live, prefix) < PREFIX_IN_BUCKET
    )

  const leave = (node: TableNode) => {
    const bucket = bucketOf(node)
    bucket.live = bucket.live.filter((it) => it.node.key !== node.key)
    const next = bucket.waiting.findLast((it) => fits(it.node))
    if (next === undefined) return
    bucket.waiting = bucket.waiting.filter((it) => it !== next)
    bucket.live = [...bucket.live, next]
  }

  const wait = (bucket: Bucket, entry: Entry) => {
    const others = bucket.waiting.filter((it) => it.node.key !== entry.node.key)
    const crowded =
      capped && networksIn(entry.node.addresses).some((prefix) => ofPrefix(others, prefix) >= PREFIX_IN_BUCKET)
    bucket.waiting = crowded ? others : [...others, entry].slice(-REPLACEMENTS)
  }

  const isSamePlace = (a: TableNode, b: TableNode) =>
    a.addresses.map(({ text }) => text).join() === b.addresses.map(({ text }) => text).join()

  return {
    all,
    waiting: () => buckets.flatMap(({ waiting }) => waiting),
    seen: (node: TableNode, verified: boolean, now: number) => {
      const bucket = bucketOf(node)
      const known = bucket.live.find((it) => it.node.key === node.key)
      const fresh = { node, verifiedAt: verified ? now : NEVER, lastSeen: now, failures: 0 }
      if (known !== undefined) {
        bucket.live = bucket.live.filter((it) => it !== known)
        if (known.node !== node && !fits(node)) {
          bucket.live = [...bucket.live, known]
          leave(known.node)
          return
        }
        const before = isSamePlace(known.node, node) ? known.verifiedAt : NEVER
        bucket.live = [...bucket.live, { ...fresh, verifiedAt: verified ? now : before }]
      } else if (bucket.live.length >= K) wait(bucket, fresh)
      else {
        bucket.waiting = bucket.waiting.filter((it) => it.node.key !== node.key)
        if (fits(node)) bucket.live = [...bucket.live, fresh]
      }
    },
    failed: (node: TableNode): boolean => {
      const bucket = bucketOf(node)
      const known = bucket.live.find((it) => it.node.key === node.key)
      if (known === undefined) return false
      const failures = known.failures + 1
      bucket.live = bucket.live.map((it) => (it === known ? { ...known, failures } : it))
      if (failures >= STRIKES) leave(node)
      return failures >= STRIKES
    },
    remove: (node: TableNode) => {
      const bucket = bucketOf(node)
      if (bucket.live.some((it) => it.node.key === node.key)) leave(node)
      else bucket.waiting = bucket.waiting.filter((it) => it.node.key !== node.key)
    },
    tidy: (before: number) => {
      for (const bucket of buckets) bucket.waiting = bucket.waiting.filter((it) => it.lastSeen >= before)
    },
    lookedUp: (target: Uint8Array, now: number) => void lookedUpAt.set(commonPrefixLength(own, target), now),
    idle: (before: number): ReadonlyArray<number> => {
      const deepest = buckets.findLastIndex(({ live }) => live.length > 0)
      if (deepest < 0) return []
      return Array.from({ length: Math.min(deepest + 2, 256) }, (_, index) => index).filter(
        (index) => (lookedUpAt.get(index) ?? NEVER) < before
      )
    }
  }
}
