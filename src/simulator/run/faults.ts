/** Makes a plan's faults happen, each at its time, and ends those that are said to last. */
import type { Fault, TimedFault } from "#schemas/simulation/Fault"
import type { SimulatedNode } from "../SimulatedNode.ts"
import type { Simulation } from "./Simulation.ts"

type Of<Tag extends Fault["_tag"]> = Extract<Fault, { readonly _tag: Tag }>

export const scheduleFaults = (simulation: Simulation, faults: ReadonlyArray<TimedFault>): void => {
  for (const { at, fault } of faults) simulation.after(at, () => apply(simulation, fault))
}

/** Whatever still goes wrong ends, and whoever is down for a while comes back. */
export const endFaults = (simulation: Simulation, faults: ReadonlyArray<TimedFault>): void => {
  const { world } = simulation
  world.network.wire.mend()
  const gone = new Set(faults.flatMap(({ fault }) => goneFor(fault)))
  for (const node of world.nodes) {
    node.disk.full(false)
    node.disk.slow(0)
    if (node.program?.process.state === "paused") world.resume(node)
    if (node.program !== undefined && node.program.process.skew !== 0) world.skew(node, 0)
    if (node.program === undefined && !gone.has(node.number)) world.start(node)
  }
}

const goneFor = (fault: Fault): ReadonlyArray<number> =>
  (fault._tag === "Stop" || fault._tag === "Crash") && fault.downFor === undefined ? [fault.node] : []

export const apply = (simulation: Simulation, fault: Fault): void => {
  const { world } = simulation
  const node = "node" in fault ? world.nodes[fault.node] : undefined
  if (fault._tag === "Join") return void join(simulation, fault)
  if (fault._tag === "Partition" || fault._tag === "Cut" || fault._tag === "Degrade")
    return void spoil(simulation, fault)
  if (node === undefined || node.program === undefined) {
    return void world.trace.note(`${fault._tag} finds node ${"node" in fault ? fault.node : "?"} not running`)
  }
  switch (fault._tag) {
    case "Stop":
      return void world.stop(node, () => comeBack(simulation, node, fault.downFor))
    case "Crash":
      world.crash(node, fault.disk, fault.power)
      return void comeBack(simulation, node, fault.downFor)
    case "Pause": {
      const { program } = node
      world.pause(node)
      return void simulation.after(fault.lasts, () => {
        if (node.program === program) world.resume(node)
      })
    }
    case "Skew":
      return void world.skew(node, fault.seconds)
    case "SlowDisk":
      node.disk.slow(fault.milliseconds)
      return void simulation.after(fault.lasts, () => node.disk.slow(0))
    case "FullDisk":
      node.wasFull = true
      node.disk.full(true)
      return void simulation.after(fault.lasts, () => node.disk.full(false))
    case "FlipBit":
      node.bitFlipped = true
      node.disk.flipBit(world.dice.fork(`flip ${simulation.now}`))
      return void world.trace.note(`a bit flips on the disk of node ${node.number}`)
    case "Turn":
      return void turn(simulation, node, fault)
  }
}

const comeBack = (simulation: Simulation, node: SimulatedNode, downFor: number | undefined): void => {
  if (downFor === undefined) return
  simulation.after(downFor, () => {
    if (node.program === undefined) simulation.world.start(node)
  })
}

/** Machines are numbered in the order in which they are there: those between come with it, and stay off. */
const join = ({ world }: Simulation, { node }: Of<"Join">): void => {
  while (world.nodes.length <= node) world.addNode()
  const joining = world.nodes[node]
  if (joining !== undefined && joining.program === undefined) world.start(joining)
}

const spoil = (simulation: Simulation, fault: Of<"Partition"> | Of<"Cut"> | Of<"Degrade">): void => {
  const { trace } = simulation.world
  const { wire } = simulation.world.network
  const end = ((): (() => void) => {
    if (fault._tag === "Degrade") {
      return wire.degrade({ ...fault, nodes: fault.nodes === undefined ? undefined : new Set(fault.nodes) })
    }
    if (fault._tag === "Partition") {
      const inside = new Set(fault.nodes)
      return wire.cut({ passes: (from, to) => inside.has(from) === inside.has(to) })
    }
    const [from, to] = [new Set(fault.from), new Set(fault.to)]
    return wire.cut({ passes: (one, other) => !(from.has(one) && to.has(other)) })
  })()
  trace.note(`${fault._tag} begins`)
  simulation.after(fault.lasts, () => {
    end()
    trace.note(`${fault._tag} ends`)
  })
}

const turn = (simulation: Simulation, node: SimulatedNode, { behaviour, lasts }: Of<"Turn">): void => {
  const { world } = simulation
  world.crash(node, "kept", false)
  world.start(node, behaviour)
  world.trace.note(`node ${node.number} is ${behaviour} from now on`)
  if (lasts === undefined) return
  const { program } = node
  simulation.after(lasts, () => {
    if (node.program !== program) return
    world.crash(node, "kept", false)
    world.start(node)
  })
}
