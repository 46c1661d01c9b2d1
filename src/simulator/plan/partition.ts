/** The network falls apart and comes together again; some links fail in one direction only, or are merely bad. */
import type { FaultList } from "./FaultList.ts"

/** Seconds. One fault of the links after the other, each over before the next. */
const TURN = 900
const MOST_TURNS = 96

const KINDS = ["Partition", "Cut", "Degrade"] as const

export const partition = (list: FaultList): void => {
  const turns = Math.min(MOST_TURNS, Math.max(3, Math.round(list.length / TURN)))
  const length = list.length / turns
  for (let turn = 0; turn < turns; turn++) {
    const at = list.from + length * (turn + list.between(0, 0.2))
    const lasts = Math.min(list.between(120, 600), length * 0.7)
    const kind = KINDS[turn] ?? list.dice.pick(["Partition", ...KINDS] as const)
    const nodes = list.some(list.between(0.1, 0.5))
    if (kind === "Partition") list.add(at, { _tag: kind, nodes, lasts })
    else if (kind === "Cut") {
      const to = list.some(list.between(0.1, 0.5), new Set(nodes))
      list.add(at, { _tag: kind, from: nodes, to, lasts })
    } else {
      list.add(at, {
        _tag: kind,
        ...(list.dice.chance(0.5) ? { nodes } : {}),
        latency: Math.round(list.between(50, 400)),
        loss: hundredths(list.between(0.01, 0.1)),
        duplication: hundredths(list.between(0, 0.02)),
        reordering: hundredths(list.between(0, 0.1)),
        lasts
      })
    }
  }
}

const hundredths = (share: number): number => Math.round(share * 100) / 100
