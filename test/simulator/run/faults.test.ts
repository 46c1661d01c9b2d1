import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import { RecordKind } from "#schemas/dht/Record"
import { Behaviour, type Fault } from "#schemas/simulation/Fault"
import { SessionManager } from "#services/session/SessionManager"
import { RecordStore } from "#services/storage/RecordStore"
import { apply, endFaults } from "#simulator/run/faults"
import type { Simulation } from "#simulator/run/Simulation"
import { EPOCH } from "#simulator/time/ProcessClock"
import { bytesOf, doing, nodeOf, put, serviceOf, standing } from "../standing.ts"

const NODE = 2

type Of<Tag extends Fault["_tag"]> = Extract<Fault, { readonly _tag: Tag }>
/** What is to be seen before a fault, while it lasts, and after. */
type Look = (simulation: Simulation) => Effect.Effect<unknown>

interface Case<Tag extends Fault["_tag"]> {
  readonly fault: Of<Tag>
  readonly look: Look
  /** At these seconds after the fault. */
  readonly seen: ReadonlyArray<readonly [at: number, seen: unknown]>
}

const isUp: Look = (simulation) => Effect.sync(() => simulation.world.nodes[NODE]?.isUp === true)
const state: Look = (simulation) => Effect.sync(() => simulation.world.nodes[NODE]?.program?.process.state)
const passes: Look = ({ world: { network } }) =>
  Effect.sync(() => [network.wire.passes(NODE, 0), network.wire.passes(0, NODE), network.wire.passes(0, 1)])
const delays: Look = ({ world: { network } }) =>
  Effect.sync(() => [network.wire.delay(NODE, 0, 40).extra > 500, network.wire.delay(0, 1, 40).extra > 500])
const behaviour: Look = (simulation) => Effect.sync(() => simulation.world.nodes[NODE]?.behaviour)
const offBy: Look = (simulation) =>
  doing(simulation, nodeOf(simulation, NODE), Clock.currentTimeMillis).pipe(
    Effect.map((now) => Math.round((now - EPOCH - simulation.world.time.now) / 1000))
  )

const record = (n: number) => {
  const bytes = bytesOf(n)
  const common = { kind: RecordKind.Block, member: new Uint8Array(0), seq: 0, expires: 4_000_000_000 }
  return { ...common, key: bytes.slice(0, 32), storedBy: bytes.slice(0, 32), bytes }
}
/** Milliseconds that a write takes, or how it fails. */
const write: Look = (simulation) =>
  Effect.gen(function* () {
    const began = simulation.world.time.now
    const records = serviceOf(nodeOf(simulation, NODE), RecordStore)
    const exit = yield* doing(simulation, nodeOf(simulation, NODE), Effect.exit(records.put([record(9)])))
    return Exit.isFailure(exit) ? "failed" : simulation.world.time.now - began >= 1_000 ? "slow" : "quick"
  }).pipe(Effect.orDie)

/** Every kind of fault: one that is added and not tried here is an error of types. */
const cases: { readonly [Tag in Fault["_tag"]]: Case<Tag> } = {
  Join: {
    fault: { _tag: "Join", node: 7 },
    look: ({ world }) => Effect.sync(() => world.nodes.map((node) => world.isJoined(node))),
    // Those between are machines, too, and off.
    seen: [[30, [true, true, true, true, true, false, false, true]]]
  },
  Stop: {
    fault: { _tag: "Stop", node: NODE, downFor: 60 },
    look: isUp,
    seen: [
      [5, false],
      [58, false],
      [70, true]
    ]
  },
  Crash: {
    fault: { _tag: "Crash", node: NODE, disk: "lost", power: true, downFor: 60 },
    look: isUp,
    seen: [
      [0, false],
      [59, false],
      [70, true]
    ]
  },
  Pause: {
    fault: { _tag: "Pause", node: NODE, lasts: 30 },
    look: state,
    seen: [
      [0, "paused"],
      [29, "paused"],
      [31, "running"]
    ]
  },
  Partition: {
    fault: { _tag: "Partition", nodes: [NODE], lasts: 30 },
    look: passes,
    seen: [
      [0, [false, false, true]],
      [31, [true, true, true]]
    ]
  },
  Cut: {
    fault: { _tag: "Cut", from: [NODE], to: [0], lasts: 30 },
    look: passes,
    seen: [
      [0, [false, true, true]],
      [31, [true, true, true]]
    ]
  },
  Degrade: {
    fault: { _tag: "Degrade", nodes: [NODE], latency: 600, loss: 0, duplication: 0, reordering: 0, lasts: 30 },
    look: delays,
    seen: [
      [0, [true, false]],
      [31, [false, false]]
    ]
  },
  Skew: {
    fault: { _tag: "Skew", node: NODE, seconds: -75 },
    look: offBy,
    seen: [
      [0, -75],
      [60, -75]
    ]
  },
  SlowDisk: {
    fault: { _tag: "SlowDisk", node: NODE, milliseconds: 2_000, lasts: 30 },
    look: write,
    seen: [
      [0, "slow"],
      [31, "quick"]
    ]
  },
  FullDisk: {
    fault: { _tag: "FullDisk", node: NODE, lasts: 30 },
    look: write,
    seen: [
      [0, "failed"],
      [31, "quick"]
    ]
  },
  FlipBit: {
    fault: { _tag: "FlipBit", node: NODE },
    look: (simulation) => Effect.sync(() => nodeOf(simulation, NODE).bitFlipped),
    seen: [[0, true]]
  },
  Turn: {
    fault: { _tag: "Turn", node: NODE, behaviour: "silent", lasts: 30 },
    look: behaviour,
    seen: [
      [0, "silent"],
      [29, "silent"],
      [31, undefined]
    ]
  }
}

describe("a fault", () => {
  for (const { fault, look, seen } of Object.values(cases)) {
    it.live(`of the kind ${fault._tag} does what it says for as long as it says`, () =>
      Effect.gen(function* () {
        const simulation = yield* standing()
        apply(simulation, fault)
        const began = simulation.now
        for (const [at, expected] of seen) {
          yield* simulation.pass(Math.max(0, began + at - simulation.now))
          assert.deepStrictEqual(yield* look(simulation), expected, `after ${at} s`)
        }
        assert.isTrue(simulation.world.trace.lastEvents(0).length > 0)
      })
    )
  }

  it.live("turns a stored bit over, and no other", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const node = nodeOf(simulation, NODE)
      const value = bytesOf(5)
      const { key } = yield* put(simulation, node, value)
      apply(simulation, { _tag: "FlipBit", node: NODE })
      const [held] = node.disk.held(RecordKind.Block, key)
      const bits = (held?.bytes ?? value).reduce((sum, byte, at) => {
        const other = byte ^ (value[at] ?? 0)
        return sum + other.toString(2).replaceAll("0", "").length
      }, 0)
      assert.strictEqual(bits, 1)
    })
  )

  it.live("of behaviour is one of all that there are, and is remembered of the node", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      for (const behaviour of Behaviour.literals) {
        apply(simulation, { _tag: "Turn", node: NODE, behaviour, lasts: 5 })
        yield* simulation.pass(4)
        assert.strictEqual(nodeOf(simulation, NODE).behaviour, behaviour)
        yield* simulation.pass(6)
      }
      const node = nodeOf(simulation, NODE)
      assert.deepStrictEqual(
        [node.behaviour, node.wasByzantine, node.runs],
        [undefined, true, 1 + 2 * Behaviour.literals.length]
      )
    })
  )

  it.live("finds a node that does not run, and says so", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      simulation.world.crash(nodeOf(simulation, NODE), "kept", false)
      apply(simulation, { _tag: "Pause", node: NODE, lasts: 5 })
      assert.include(simulation.world.trace.lastEvents(0).join("\n"), `Pause finds node ${NODE} not running`)
    })
  )

  it.live("is over when all faults are ended, whatever it was, and who is gone for good stays so", () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 6 })
      const { world } = simulation
      const faults: ReadonlyArray<Fault> = [
        { _tag: "Partition", nodes: [0, 1], lasts: 9_999 },
        { _tag: "Pause", node: 1, lasts: 9_999 },
        { _tag: "Skew", node: 2, seconds: 50 },
        { _tag: "FullDisk", node: NODE, lasts: 9_999 },
        { _tag: "Crash", node: 3, disk: "kept", power: false, downFor: 9_999 },
        { _tag: "Crash", node: 4, disk: "kept", power: false }
      ]
      for (const fault of faults) apply(simulation, fault)
      endFaults(
        simulation,
        faults.map((fault) => ({ at: 0, fault }))
      )
      yield* simulation.pass(60)
      assert.deepStrictEqual(
        world.nodes.map((node) => node.program?.process.state),
        ["running", "running", "running", "running", undefined, "running"]
      )
      assert.deepStrictEqual(yield* passes(simulation), [true, true, true])
      assert.strictEqual(yield* offBy(simulation), 0)
      assert.strictEqual(yield* write(simulation), "quick")
      assert.isAbove(serviceOf(nodeOf(simulation, 3), SessionManager).list().length, 0)
    })
  )
})
