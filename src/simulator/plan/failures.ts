/** What befalls many nodes at once, or all of them one after the other. */
import { type Behaviour, CellBehaviour, type Fault, MOST_NODES, RecordBehaviour } from "#schemas/simulation/Fault"
import type { FaultList } from "./FaultList.ts"

/** A third to a half of the nodes within five seconds; three of ten of these never come back. */
export const massFailure = (list: FaultList): void => {
  const start = list.moment(0.25, 0.4)
  for (const node of list.some(list.between(1 / 3, 1 / 2))) {
    const at = start + list.between(0, Math.min(5, list.length / 10))
    const draw = list.dice.int(10)
    const crash: Fault = {
      _tag: "Crash",
      node,
      disk: draw < 7 ? "kept" : draw < 8 ? "torn" : "lost",
      power: list.dice.chance(0.5)
    }
    const back = list.span(60, 600, 0.4)
    list.add(at, node !== 0 && list.dice.chance(0.3) ? crash : { ...crash, downFor: back }, node)
  }
}

/**
 * A tenth to a fifth of the nodes, never the one that others join by, and some further ones that do it to cells alone.
 * Every behaviour is seen: where fewer nodes turn than there are behaviours, each goes through several.
 */
export const byzantine = (list: FaultList): void => {
  const turned = list.some(list.between(0.1, 0.2), new Set([0]))
  turnAll(list, turned, RecordBehaviour.literals)
  turnAll(list, list.some(list.between(0.05, 0.1), new Set([0, ...turned])), CellBehaviour.literals)
}

const turnAll = (list: FaultList, turned: ReadonlyArray<number>, all: ReadonlyArray<Behaviour>): void => {
  if (turned.length === 0) return
  const behaviours = list.dice.shuffle(all)
  const turns = Math.ceil(behaviours.length / turned.length)
  const length = list.length / turns
  for (let turn = 0; turn < turns; turn++) {
    for (const [place, node] of turned.entries()) {
      const behaviour = behaviours[(turn * turned.length + place) % behaviours.length]
      if (behaviour === undefined) continue
      const at = list.from + length * (turn + list.between(0, 0.2))
      list.add(at, { _tag: "Turn", node, behaviour, lasts: length * list.between(0.4, 0.75) }, node)
    }
  }
}

/** As many as there are join within ten minutes, most of them in the first two. */
export const flashCrowd = (list: FaultList): void => {
  const start = list.moment(0.1, 0.2)
  const longest = Math.min(600, list.length * 0.6)
  const count = Math.min(list.nodes, MOST_NODES - list.nodes)
  for (let n = 0; n < count; n++) {
    const after = Math.min(list.dice.exponential(longest / 5), longest)
    list.add(start + after, { _tag: "Join", node: list.nodes + n })
  }
}

/** Power fails everywhere at the same instant, and comes back over two minutes. */
export const coldStart = (list: FaultList): void => {
  const at = list.moment(0.2, 0.4)
  for (let node = 0; node < list.nodes; node++) {
    const disk = list.dice.chance(0.1) ? "torn" : "kept"
    list.add(at, { _tag: "Crash", node, disk, power: true, downFor: list.span(5, 120, 0.3) }, node)
  }
}

/** Each node once, in any order, as an operator brings a new version out. */
export const rollingRestart = (list: FaultList): void => {
  const down = Math.min(15, list.length / 10)
  const gap = (list.length - down) / list.nodes
  const order = list.dice.shuffle(Array.from({ length: list.nodes }, (_, node) => node))
  for (const [place, node] of order.entries()) {
    list.add(list.from + place * gap, { _tag: "Stop", node, downFor: list.between(down / 3, down) }, node)
  }
}
