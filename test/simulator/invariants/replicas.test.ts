import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RecordKind } from "#schemas/dht/Record"
import { Replicator } from "#services/dht/Replicator"
import { RoutingTable } from "#services/dht/RoutingTable"
import { RecordStore } from "#services/storage/RecordStore"
import type { Invariant } from "#simulator/invariants/Invariant"
import { expiredAreGone, replicasRecover, strangersAreSentOn } from "#simulator/invariants/replicas"
import { placesAreFilled } from "#simulator/invariants/tables"
import type { Simulation } from "#simulator/run/Simulation"
import { bytesOf, doing, nodeOf, put, remember, serviceOf, standing } from "../standing.ts"

const atRest = ({ atRest: look }: Invariant, simulation: Simulation) => look?.(simulation) ?? Effect.succeed([])

const withRecord = Effect.gen(function* () {
  const simulation = yield* standing()
  const node = nodeOf(simulation, 1)
  const { key } = remember(simulation, node, bytesOf(1), yield* put(simulation, node, bytesOf(1)))
  return { simulation, key }
})

describe("the promises about replicas", () => {
  it.live('"replicas-recover" is quiet while neighbours make up for what is lost, and speaks where they do not', () =>
    Effect.gen(function* () {
      const { key, simulation } = yield* withRecord
      const lose = (number: number) => {
        const node = nodeOf(simulation, number)
        return doing(simulation, node, serviceOf(node, RecordStore).remove(RecordKind.Block, key))
      }
      yield* lose(2)
      assert.deepStrictEqual(yield* atRest(replicasRecover, simulation), [])
      for (const node of simulation.world.nodes) Object.assign(serviceOf(node, Replicator), { syncNow: Effect.void })
      yield* lose(2)
      assert.match(
        (yield* atRest(replicasRecover, simulation)).join(),
        /nodes 2 of the closest 5 lack a record of kind 0/
      )
    })
  )

  it.live('"expired-are-gone" speaks of a disk that keeps records for too long', () =>
    Effect.gen(function* () {
      const { simulation } = yield* withRecord
      assert.deepStrictEqual(yield* atRest(expiredAreGone, simulation), [])
      const records = serviceOf(nodeOf(simulation, 3), RecordStore)
      const keep = records.put
      Object.assign(records, {
        put: (rows: Parameters<typeof keep>[0]) => keep(rows.map((row) => ({ ...row, expires: row.expires + 500 })))
      })
      assert.match(
        (yield* atRest(expiredAreGone, simulation)).join(),
        /node 3 means to keep a record for 500 s too long/
      )
    })
  )

  it.live('"strangers-are-sent-on" speaks of a node that takes what it should not', () =>
    Effect.gen(function* () {
      const { simulation } = yield* withRecord
      assert.deepStrictEqual(yield* atRest(strangersAreSentOn, simulation), [])
      for (const node of simulation.world.nodes) {
        // Too far away when the promise asks, close enough when the store does.
        let asked = 0
        Object.assign(serviceOf(node, RoutingTable), { isClose: () => asked++ > 0 })
      }
      assert.match((yield* atRest(strangersAreSentOn, simulation)).join(), /node \d took a record from node \d/)
    })
  )

  it.live('"places-are-filled" speaks of whoever waits where there is room', () =>
    Effect.gen(function* () {
      const { simulation } = yield* withRecord
      const seen = () => [...(placesAreFilled.check?.(simulation) ?? [])]
      assert.deepStrictEqual(seen(), [])
      Object.assign(serviceOf(nodeOf(simulation, 2), RoutingTable), { whereabouts: () => ({ standing: "waiting" }) })
      assert.match(seen().join("\n"), /node 1 waits at node 2, where 1\d places are free/)
    })
  )
})
