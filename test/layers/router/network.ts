/** Whole nodes on simulated wires that know each other as relays, for what the router does by both of its ways. */
import { TestNetwork, type TestNode } from "allium/testing"
import { Effect } from "effect"
import { RouteTable } from "#services/router/RouteTable"
import { SessionManager } from "#services/session/SessionManager"

const self = Effect.map(SessionManager, (sessions) => sessions.self())

/** Each of them has reached each other, as after looking around for a while. */
export const introduce = Effect.fnUntraced(function* (nodes: ReadonlyArray<TestNode>) {
  const contacts = yield* Effect.forEach(nodes, (node) => node.run(self))
  const admitAll = Effect.gen(function* () {
    const routes = yield* RouteTable
    for (const contact of contacts) routes.admit(contact, { reached: true })
    yield* routes.searched(true)
  })
  yield* Effect.forEach(nodes, (node) => node.run(admitAll), { discard: true })
  return contacts
})

export const routedNetwork = Effect.fnUntraced(function* (nodes: number, seed = 1) {
  const network = yield* TestNetwork.make({ nodes, seed, settled: false, sessions: "plain" })
  return { network, contacts: yield* introduce(network.nodes) }
})
