import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Contact, contactOf } from "#core/identity/Contact"
import { suite } from "#layers/identity/NodeCrypto"
import { RecordKind } from "#schemas/dht/Record"
import { Dht } from "#services/dht/Dht"
import { RoutingTable } from "#services/dht/RoutingTable"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { Bounds } from "#services/node/Bounds"
import { RecordStore } from "#services/storage/RecordStore"
import { brokenSignature } from "#simulator/behaviours/liars"
import { invariants } from "#simulator/invariants/all"
import { acknowledgedIsHeld, falseReceipts, newerIsKept, nothingIsLost } from "#simulator/invariants/durability"
import { healing, operationsEnd } from "#simulator/invariants/ends"
import type { Invariant } from "#simulator/invariants/Invariant"
import { connectionsAreSessions, stoppedIsGone, withinLimits } from "#simulator/invariants/limits"
import { contactsAreSigned, deadLeave } from "#simulator/invariants/tables"
import { noncesAreFresh, noPlaintext } from "#simulator/invariants/wires"
import { PORT } from "#simulator/nodeLayer"
import { MARKER } from "#simulator/run/marker"
import { Simulation } from "#simulator/run/Simulation"
import { startUsers } from "#simulator/run/users"
import { simulate } from "#simulator/simulate"
import { dial } from "../../laws/connections.ts"
import { bytesOf, doing, nodeOf, planOfFew, put, remember, serviceOf, standing } from "../standing.ts"

const seenBy = ({ check }: Invariant, simulation: Simulation): ReadonlyArray<string> => [...(check?.(simulation) ?? [])]

const unsigned = ({ bytes, record }: Contact): Contact => contactOf(suite, record, brokenSignature(bytes))

/** Quiet as things are, and speaks of this once they are not. */
const speaks = (invariant: Invariant, of: RegExp, spoil: (simulation: Simulation) => Effect.Effect<unknown, unknown>) =>
  it.live(`"${invariant.name}" is quiet at first and speaks when it is broken`, () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const node = nodeOf(simulation, 1)
      remember(simulation, node, bytesOf(1), yield* put(simulation, node, bytesOf(1)))
      assert.deepStrictEqual(seenBy(invariant, simulation), [])
      yield* spoil(simulation)
      assert.match(seenBy(invariant, simulation).join("\n"), of)
    })
  )

describe("the promises of a network", () => {
  it.live("hold while nothing goes wrong, with every user at work", () =>
    Effect.gen(function* () {
      const workload = { ...planOfFew().workload, files: 1, herds: 0.5, lookups: 10, messages: 4 }
      const { figures, violations } = yield* simulate(planOfFew({ lasts: 400, workload, sessions: "noise" }))
      assert.deepStrictEqual(violations, [])
      const counts = Object.entries(figures.operations).map(([name, { count }]) => [name, count > 0])
      const all = ["fetch", "file", "get", "herd", "lookup", "message", "put", "read", "update"]
      assert.deepStrictEqual(
        counts.sort(),
        all.map((name) => [name, true])
      )
    })
  )

  it("are each named once and said in a sentence", () => {
    assert.strictEqual(new Set(invariants.map(({ name }) => name)).size, invariants.length)
    for (const { name, sentence } of invariants) {
      assert.match(name, /^[a-z-]+$/)
      assert.match(sentence, /^[A-Z].*\.$/)
    }
  })

  speaks(acknowledgedIsHeld, /node \d acknowledged a record of kind 0 and has it no more/, (simulation) => {
    const [entry] = simulation.ledger.entries
    const node = nodeOf(simulation, 3)
    return doing(simulation, node, serviceOf(node, RecordStore).remove(RecordKind.Block, entry!.key))
  })

  speaks(operationsEnd, /nap at node 2 has been under way for \d+ s/, (simulation) =>
    Effect.suspend(() => {
      simulation.ask("nap", nodeOf(simulation, 2), Effect.never, () => {})
      return simulation.pass(181)
    })
  )

  speaks(deadLeave, /the table of node \d holds node 4, dead for/, ({ world }) =>
    Effect.sync(() => {
      world.crash(world.nodes[4]!, "kept", true)
      // Long before the world began: as if nobody had noticed for an hour.
      for (const node of world.nodes) node.startedAt = node.wokeAt = -4_000_000
      world.nodes[4]!.endedAt = -4_000_000
    })
  )

  speaks(contactsAreSigned, /the table of node 2 holds a contact that is not signed/, (simulation) =>
    Effect.sync(() => {
      const table = serviceOf(nodeOf(simulation, 2), RoutingTable)
      const { contact } = table.list()[0]!
      table.seen(unsigned(contact), true)
    })
  )

  speaks(contactsAreSigned, /1 contacts that were not signed have been taken for verified/, ({ world }) =>
    Effect.sync(() => {
      const { contact } = serviceOf(world.nodes[2]!, RoutingTable).list()[0]!
      world.contacts.add("a network", unsigned(contact))
    })
  )

  speaks(withinLimits, /"the shelf" of node 3 holds 3, its limit is 2/, (simulation) => {
    const bounds = serviceOf(nodeOf(simulation, 3), Bounds)
    const watch = Effect.scoped(
      Effect.andThen(
        bounds.watch("the shelf", 2, () => 3),
        Effect.never
      )
    )
    simulation.world.fork(nodeOf(simulation, 3), watch)
    return simulation.pass(1)
  })

  speaks(connectionsAreSessions, /node 1 has \d old connections and \d sessions/, (simulation) => {
    const { network } = simulation.world
    const [near, far] = [nodeOf(simulation, 1), nodeOf(simulation, 2)]
    const dialling = dial(network.transportOf(near.host), network.addressAt(far.host.address, PORT))
    simulation.world.fork(near, Effect.scoped(Effect.andThen(dialling, Effect.never)))
    return Effect.gen(function* () {
      yield* simulation.pass(1)
      network.wire.cut({ passes: (from) => from !== 2 })
      yield* simulation.pass(31)
    })
  })

  for (const [what, left] of [
    ["timers", (): Effect.Effect<void> => Effect.sleep("1 minute")],
    [
      "connections",
      (simulation: Simulation) => {
        const { network } = simulation.world
        const [near, far] = [nodeOf(simulation, 1), nodeOf(simulation, 2)]
        const dialling = dial(network.transportOf(near.host), network.addressAt(far.host.address, PORT))
        return Effect.scoped(Effect.andThen(Effect.ignore(dialling), Effect.never))
      }
    ]
  ] as const) {
    speaks(stoppedIsGone, new RegExp(`node 1 left 1 ${what} behind`), (simulation) => {
      simulation.world.fork(nodeOf(simulation, 1), left(simulation))
      return Effect.gen(function* () {
        yield* simulation.pass(1)
        simulation.world.stop(nodeOf(simulation, 1))
        yield* simulation.pass(120)
      })
    })
  }

  speaks(noncesAreFresh, /sealed twice under one nonce/, ({ world }) =>
    Effect.sync(() => {
      const aead = serviceOf(world.nodes[0]!, Crypto).aead(new Uint8Array(32))
      for (const counter of [1, 2, 2])
        aead.seal(Uint8Array.of(0, 0, 0, 0, counter, 0, 0, 0, 0, 0, 0, 0), MARKER, [MARKER])
    })
  )

  it.live(`"receipt-is-true" believes a true receipt, and none that names who does not hold the record`, () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ replicationFactor: 2 })
      const node = nodeOf(simulation, 1)
      const receipt = yield* put(simulation, node, bytesOf(1))
      const told = (holders: ReadonlyArray<typeof receipt.key>) =>
        falseReceipts(simulation, RecordKind.Block, { key: receipt.key, holders: holders as typeof receipt.holders }, 0)
      assert.deepStrictEqual(told(receipt.holders), [])
      const other = simulation.world.nodes.find((it) => it.disk.held(RecordKind.Block, receipt.key).length === 0)
      assert.match(told([serviceOf(other!, Identity).nodeId]).join(), /is said to hold a record of kind 0/)
      assert.match(told([bytesOf(9, 32)]).join(), /nobody is called/)
    })
  )

  it.live(`"newer-is-kept" is quiet about a newer version and speaks of an older one`, () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      newerIsKept.watch?.(simulation)
      const node = nodeOf(simulation, 1)
      const update = Effect.flatMap(Dht, (dht) => dht.putMutable(MARKER, bytesOf(1)))
      const { key } = yield* doing(simulation, node, update)
      const [old] = node.disk.held(RecordKind.Mutable, key)
      yield* doing(simulation, node, Effect.andThen(Effect.sleep("1 second"), update))
      assert.deepStrictEqual(simulation.violations, [])
      yield* doing(simulation, node, serviceOf(node, RecordStore).put([old!]))
      assert.deepStrictEqual(
        simulation.violations.map(({ invariant }) => invariant),
        ["newer-is-kept"]
      )
    })
  )

  it.live(`"nothing-is-lost" speaks of a record whose holder nobody can ask`, () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ replicationFactor: 1, nodes: 6 })
      const node = nodeOf(simulation, 1)
      const lost = () => nothingIsLost.atRest?.(simulation) ?? Effect.succeed([])
      const receipt = yield* put(simulation, node, bytesOf(1))
      remember(simulation, node, bytesOf(1), receipt)
      assert.deepStrictEqual(yield* lost(), [])
      // Whoever has read it may have left a copy on the way.
      yield* simulation.pass(1)
      const holding = simulation.world.nodes.filter((it) => it.disk.held(RecordKind.Block, receipt.key).length > 0)
      const holders = new Set(holding.map(({ number }) => number))
      simulation.world.network.wire.cut({ passes: (from, to) => holders.has(from) === holders.has(to) })
      assert.match((yield* lost()).join(), /does not find record [0-9a-f]{8}… of kind 0, put by node 1/)
    })
  )

  it.live(`"network-heals" is told how long it took, or that it took too long`, () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 4 })
      assert.strictEqual(yield* healing(simulation), 0)
      simulation.world.network.wire.cut({ passes: (from, to) => (from === 3) === (to === 3) })
      assert.isUndefined(yield* healing(simulation))
    })
  )

  it.live(`"answers-are-right" hears of a user who is given other bytes than were written`, () =>
    Effect.gen(function* () {
      const rates = { puts: 0, gets: 60, updates: 0, reads: 0, lookups: 0, files: 0, fileBytes: 1 }
      const { world } = yield* standing()
      const simulation = new Simulation(world, planOfFew({ workload: rates }))
      const node = nodeOf(simulation, 1)
      const receipt = yield* put(simulation, node, bytesOf(1))
      const wrong: Array<string> = []
      const hear = { onWrong: (detail: string) => void wrong.push(detail), onReceipt: () => {} }
      remember(simulation, node, bytesOf(1), receipt)
      startUsers(simulation, hear, () => false)
      yield* simulation.pass(30)
      assert.deepStrictEqual(wrong, [])
      remember(simulation, node, bytesOf(2), receipt)
      yield* simulation.pass(30)
      assert.match(wrong.join("\n"), /was given other bytes than were put by node 1/)
    })
  )

  it.live(`"no-plaintext" reads what sessions without encryption show, and nothing of those with it`, () =>
    Effect.gen(function* () {
      const heard = Effect.fnUntraced(function* (sessions: "plain" | "noise") {
        const { plan, world } = yield* standing({ sessions, nodes: 3 })
        const simulation = new Simulation(world, { ...plan, sessions: "noise" })
        noPlaintext.watch?.(simulation)
        yield* put(simulation, nodeOf(simulation, 1), MARKER)
        return simulation.violations.map(({ invariant }) => invariant)
      }, Effect.scoped)
      assert.deepStrictEqual(yield* heard("noise"), [])
      assert.include(yield* heard("plain"), "no-plaintext")
    })
  )
})
