/** Nodes come and go: as people switch machines on and off, as programs die, and as networks fail in part. */
import type { Fault } from "#schemas/simulation/Fault"
import type { FaultList } from "./FaultList.ts"

/** Seconds, means of exponential distributions. */
const SESSION = 3_600
const DOWN = 300
/** Of a node that went down, the least time until it is back: that is what a restart takes. */
const DOWN_LEAST = 2

/** How many of a hundred nodes meet with each in an hour. */
const ODDITIES = { Pause: 6, SlowDisk: 6, Skew: 3, FullDisk: 3, FlipBit: 2 }

/** Of a hundred ends of a session. */
const ending = (list: FaultList, node: number, downFor: number): Fault => {
  const draw = list.dice.int(100)
  if (draw < 45) return { _tag: "Stop", node, downFor }
  if (draw < 80) return { _tag: "Crash", node, disk: "kept", power: false, downFor }
  if (draw < 92) return { _tag: "Crash", node, disk: "kept", power: true, downFor }
  if (draw < 96) return { _tag: "Crash", node, disk: "torn", power: true, downFor }
  return { _tag: "Crash", node, disk: "lost", power: list.dice.chance(0.5), downFor }
}

const oddity = (list: FaultList, kind: keyof typeof ODDITIES, node: number): Fault => {
  switch (kind) {
    case "Pause":
      return { _tag: kind, node, lasts: list.span(5, 90, 0.2) }
    case "SlowDisk":
      return { _tag: kind, node, milliseconds: Math.round(list.between(20, 2_000)), lasts: list.span(30, 300, 0.2) }
    case "Skew":
      return { _tag: kind, node, seconds: list.dice.int(241) - 120 }
    case "FullDisk":
      return { _tag: kind, node, lasts: list.span(30, 300, 0.2) }
    case "FlipBit":
      return { _tag: kind, node }
  }
}

export const churn = (list: FaultList): void => {
  for (let node = 0; node < list.nodes; node++) {
    let at = list.from + list.dice.exponential(SESSION)
    while (at < list.to - DOWN_LEAST) {
      const downFor = DOWN_LEAST + list.dice.exponential(DOWN)
      list.add(at, ending(list, node, downFor), node)
      at += downFor + list.dice.exponential(SESSION)
    }
  }
  const hours = list.length / 3_600
  for (const kind of ["Pause", "SlowDisk", "Skew", "FullDisk", "FlipBit"] as const) {
    const count = Math.max(1, Math.round((list.nodes * hours * ODDITIES[kind]) / 100))
    for (let n = 0; n < count; n++) {
      const node = list.dice.int(list.nodes)
      list.add(list.moment(0, 0.9), oddity(list, kind, node), node)
    }
  }
}
