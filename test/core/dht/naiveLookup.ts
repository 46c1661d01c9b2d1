/**
 * A lookup as its description reads, with nothing kept that can be computed: every path is the set of what it has heard,
 * sorted anew at each question. The lookup is held to it step by step.
 */
import { commonPrefixLength, compareDistance } from "#core/dht/distance"
import { ALPHA, type Ask, type LookupOptions, WIDEST } from "#core/dht/Lookup"
import type { TargetState } from "#core/dht/LookupPath"
import type { LookupNode } from "#core/dht/LookupPaths"

export const byDistance = <C extends LookupNode>(nodes: Iterable<C>, target: Uint8Array): Array<C> =>
  [...nodes].sort((a, b) => compareDistance(target, a.nodeId, b.nodeId))

export const naiveLookup = <C extends LookupNode>(options: LookupOptions, seeds: ReadonlyArray<C>) => {
  const { isConnected = () => false, k, ownKey, paths = 1, patient = false, settle = k, target } = options
  const heard = Array.from({ length: paths }, () => new Map<string, { readonly node: C; readonly hop: number }>())
  const states = new Map<string, TargetState>()
  const asked = new Map<string, Ask<C>>()
  let sinceCloser = 0

  const stateOf = ({ key }: LookupNode): TargetState => states.get(key) ?? "waiting"
  const sorted = (path: number) =>
    byDistance(
      [...heard[path]!.values()].map(({ node }) => node),
      target
    )
  const everybody = () =>
    byDistance(new Map(heard.flatMap((of) => [...of].map(([key, { node }]) => [key, node]))).values(), target)
  const hear = (path: number, nodes: ReadonlyArray<C>, hop: number) => {
    for (const node of nodes)
      if (node.key !== ownKey && !heard[path]!.has(node.key)) heard[path]!.set(node.key, { node, hop })
  }
  const underWay = (path: number) =>
    [...asked.values()].filter((it) => it.path === path && stateOf(it.contact) === "asked").length

  const candidateOf = (path: number): C | undefined => {
    const alive = sorted(path).filter((node) => !["failed", "slow", "late"].includes(stateOf(node)))
    const waiting = alive.slice(0, settle).filter((node) => stateOf(node) === "waiting")
    const closeness = (node: C) => commonPrefixLength(target, node.nodeId)
    const closest = waiting.filter((node) => closeness(node) === closeness(waiting[0]!))
    return closest.find((node) => isConnected(node.key)) ?? closest[0]
  }

  const isSettled = (path: number): boolean => {
    const alive = sorted(path).filter((node) => stateOf(node) !== "failed" && stateOf(node) !== "late")
    const counting = patient ? alive : alive.filter((node) => stateOf(node) !== "slow")
    return counting.slice(0, settle).every((node) => stateOf(node) === "answered")
  }

  byDistance(seeds, target).forEach((seed, at) => void hear(at % paths, [seed], 1))

  return {
    next: (): Array<Ask<C>> => {
      const chosen: Array<Ask<C>> = []
      const width = sinceCloser >= ALPHA ? WIDEST : ALPHA
      while ([...states.values()].filter((it) => it === "asked").length < width) {
        const free = heard
          .map((_, path) => ({ path, node: candidateOf(path), load: underWay(path) }))
          .filter((it) => it.node !== undefined)
          .sort((a, b) => a.load - b.load || a.path - b.path)[0]
        if (free?.node === undefined) break
        const ask = { contact: free.node, path: free.path, hop: heard[free.path]!.get(free.node.key)!.hop }
        states.set(free.node.key, "asked")
        asked.set(free.node.key, ask)
        chosen.push(ask)
      }
      return chosen
    },
    answered: (key: string, nodes: ReadonlyArray<C>) => {
      const { hop, path } = asked.get(key)!
      const before = everybody()[0]
      states.set(key, "answered")
      hear(path, nodes, hop + 1)
      sinceCloser = everybody()[0] === before ? sinceCloser + 1 : 0
    },
    failed: (key: string) => {
      states.set(key, "failed")
      sinceCloser++
    },
    slow: (key: string) => {
      if (states.get(key) !== "asked") return
      states.set(key, "slow")
      sinceCloser++
    },
    late: (key: string) => {
      if (states.get(key) === "slow") states.set(key, "late")
    },
    isDone: () => heard.every((_, path) => isSettled(path)),
    closest: () =>
      everybody()
        .filter((node) => stateOf(node) === "answered")
        .slice(0, k)
  }
}
