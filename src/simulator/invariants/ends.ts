/** Whatever was begun comes to an end, and a network that is left in peace heals. */
import { Context, Effect, Exit } from "effect"
import { QueryExecutor } from "#services/dht/QueryExecutor"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Identity } from "#services/identity/Identity"
import type { Simulation } from "../run/Simulation.ts"
import type { Invariant } from "./Invariant.ts"

/** Seconds for an operation: requests time out after at most ten, and there are several one after the other. */
const LOOKUP = 180
const FILE = 1_200
/** An envelope is sent for ten minutes; before that relays and the recipient's record may have to be found. */
const MESSAGE = 720

const longest = (name: string): number => {
  if (name === "message") return MESSAGE
  return name === "file" || name === "fetch" ? FILE : LOOKUP
}

export const operationsEnd: Invariant = {
  name: "operations-end",
  sentence: `Every lookup, get and put ends within ${LOOKUP} seconds, every message within ${MESSAGE / 60} minutes, every file within ${FILE / 60}.`,
  check: function* ({ underWay, world }) {
    for (const operation of underWay) {
      const { name, node, program } = operation
      if (node.program !== program || program.process.state !== "running") {
        if (program.process.state !== "paused") underWay.delete(operation)
        continue
      }
      const seconds = (world.time.now - Math.max(operation.since, node.wokeAt)) / 1000
      if (seconds > longest(name)) {
        underWay.delete(operation)
        yield `${name} at node ${node.number} has been under way for ${Math.round(seconds)} s`
      }
    }
  }
}

/** Pairs of nodes that look each other up, to see whether the network is whole. */
const PAIRS = 20
/** Seconds from the end of the last fault within which it is, and between two looks. */
export const HEALS_WITHIN = 20 * 60
export const LOOK_EVERY = 20

/** What a network lacks in which everybody has joined, knows others, and sampled nodes find each other. */
export const lacking = Effect.fnUntraced(function* (simulation: Simulation): Effect.fn.Return<string | undefined> {
  const { world } = simulation
  // Whoever did not keep the protocol may be banned for it, and for longer than this takes.
  const up = world.nodes.filter((node) => node.program !== undefined && !node.wasByzantine)
  const outside = up.find((node) => !world.isJoined(node))
  if (outside !== undefined) return `node ${outside.number} has not joined`
  if (up.length < 2) return undefined
  const lonely = up.find(({ services }) => services === undefined || Context.get(services, RoutingTable).size() === 0)
  if (lonely !== undefined) return `node ${lonely.number} knows nobody`
  const dice = world.dice.fork(`whole ${world.time.now}`)
  const servers = up.filter((node) => !node.natted)
  for (let pair = 0; pair < PAIRS; pair++) {
    const [from, to] = [dice.pick(up), dice.pick(servers)]
    if (from === to || from.services === undefined || to.services === undefined) continue
    const { nodeId } = Context.get(to.services, Identity)
    const found = yield* simulation.hear(
      from,
      Effect.flatMap(QueryExecutor, (it) => it.lookupNode(nodeId)),
      LOOKUP
    )
    const isFound = found !== undefined && Exit.isSuccess(found) && found.value.closest.some(({ key }) => key === to.id)
    if (!isFound) return `node ${from.number} does not find node ${to.number}`
  }
  return undefined
})

/** Seconds until the network was whole; undefined if it was not in time. */
export const healing = Effect.fnUntraced(function* (simulation: Simulation) {
  const begun = simulation.now
  while (simulation.now - begun < HEALS_WITHIN) {
    const before = simulation.now
    if ((yield* lacking(simulation)) === undefined) return before - begun
    yield* simulation.pass(LOOK_EVERY)
  }
  return undefined
})

export const networkHeals: Invariant = {
  name: "network-heals",
  sentence: `Within ${HEALS_WITHIN / 60} minutes of the last fault all that kept the protocol have joined and find each other.`
}

export const answersAreRight: Invariant = {
  name: "answers-are-right",
  sentence: "Whoever reads is given what was written under that name, or nothing."
}
