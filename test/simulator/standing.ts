/** A small network that stands, and what tests do to it. */
import { Context, Effect } from "effect"
import { RecordKind } from "#schemas/dht/Record"
import type { Plan } from "#schemas/simulation/Plan"
import { Dht, type PutReceipt } from "#services/dht/Dht"
import { makeWorld } from "#simulator/makeWorld"
import type { NodeServices } from "#simulator/nodeLayer"
import { planOf } from "#simulator/plan/scenarios"
import { bringUp } from "#simulator/run/bringUp"
import type { Entry } from "#simulator/run/Ledger"
import { mailbox } from "#simulator/run/mailbox"
import type { Post } from "#simulator/run/Post"
import { Simulation } from "#simulator/run/Simulation"
import type { SimulatedNode } from "#simulator/SimulatedNode"

export const planOfFew = (more: Partial<Plan> = {}): Plan => ({
  ...planOf({ scenario: "steady", seed: 1, nodes: 5, hours: 0.1, sessions: "plain" }),
  ...more
})

/** Nodes that have joined and know each other; nobody uses them yet. With a post each has a mailbox. */
export const standing = Effect.fnUntraced(function* (more: Partial<Plan> = {}, post?: Post) {
  const plan = planOfFew(more)
  const world = yield* makeWorld(plan, post === undefined ? undefined : mailbox(post))
  const simulation = new Simulation(world, plan, post)
  yield* bringUp(simulation, undefined, 20_000)
  simulation.start = world.time.now
  return simulation
})

export const nodeOf = ({ world }: Simulation, number: number): SimulatedNode => {
  const node = world.nodes[number]
  if (node === undefined) throw new RangeError(`there is no node ${number}`)
  return node
}

/** Has a node do something, and lets the world go on until it is done. */
export const doing = <A, E>(simulation: Simulation, node: SimulatedNode, effect: Effect.Effect<A, E, NodeServices>) =>
  Effect.flatMap(simulation.hear(node, effect, 600), (exit) => exit ?? Effect.die(new Error("it did not end")))

export const serviceOf = <I extends NodeServices, S>(node: SimulatedNode, key: Context.Key<I, S>): S => {
  const { services } = node
  if (services === undefined) throw new Error(`node ${node.number} does not run`)
  return Context.get(services as Context.Context<I>, key)
}

export const bytesOf = (n: number, length = 200): Uint8Array => new Uint8Array(length).fill(n)

export const put = (simulation: Simulation, node: SimulatedNode, value: Uint8Array) =>
  doing(
    simulation,
    node,
    Effect.flatMap(Dht, (dht) => dht.putBlock(value))
  )

/** As a user would remember it. */
export const remember = (
  simulation: Simulation,
  node: SimulatedNode,
  value: Uint8Array,
  receipt: PutReceipt
): Entry => {
  const { now } = simulation.world.time
  const { expires, holders, key, reached } = receipt
  const entry = {
    kind: RecordKind.Block,
    key,
    seq: 0,
    value,
    author: node.number,
    salt: new Uint8Array(0),
    begun: now - 1,
    at: now,
    expires,
    holders,
    reached
  }
  simulation.ledger.add(entry)
  return entry
}
