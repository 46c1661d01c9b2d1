import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { RecordKind } from "#schemas/dht/Record"
import { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { EPOCH } from "#simulator/time/ProcessClock"
import { bytesOf, doing, nodeOf, put, serviceOf, standing } from "./standing.ts"

const hashOf = (seed: number, storage: "memory" | "sqlite" = "memory") =>
  Effect.scoped(
    Effect.gen(function* () {
      const simulation = yield* standing({ seed, storage, nodes: 4 })
      yield* put(simulation, nodeOf(simulation, 1), bytesOf(seed))
      yield* simulation.pass(60)
      return simulation.world.trace.hash
    })
  )

describe("World", () => {
  it.live("does the same again from the same seed, and something else from another, on either kind of disk", () =>
    Effect.gen(function* () {
      const first = yield* hashOf(1)
      assert.strictEqual(yield* hashOf(1), first)
      assert.notStrictEqual(yield* hashOf(2), first)
      assert.strictEqual(yield* hashOf(1, "sqlite"), yield* hashOf(1, "sqlite"))
    })
  )

  it.live("builds nodes that join, and refuses to start one that runs", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const { world } = simulation
      assert.isTrue(world.nodes.every((node) => world.isJoined(node)))
      assert.strictEqual(new Set(world.nodes.map((node) => node.id)).size, 5)
      assert.throws(() => world.start(nodeOf(simulation, 0)), /runs already/)
      const late = world.addNode()
      world.start(late)
      yield* simulation.pass(10)
      assert.isTrue(world.isJoined(late))
    })
  )

  it.live("lets a node stop in order: the others hear of it, and it leaves no connection and no timer behind", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const [node, other] = [nodeOf(simulation, 3), nodeOf(simulation, 1)]
      const sessions = () => serviceOf(other, SessionManager).list().length
      const before = sessions()
      let stopped = 0
      simulation.world.stop(node, () => stopped++)
      yield* simulation.pass(2)
      assert.deepStrictEqual([stopped, node.isUp, node.host.ends.size, sessions()], [1, false, 0, before - 1])
      yield* simulation.pass(900)
      assert.deepStrictEqual(
        node.ended.map(({ connections, process }) => [connections, process.leftTimers]),
        [[0, 0]]
      )
    })
  )

  it.live("ends a program between two instructions: nothing of it goes on, and it comes back as itself", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const { world } = simulation
      const node = nodeOf(simulation, 2)
      const { id } = node
      let ticks = 0
      world.fork(
        node,
        Effect.forever(
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => ticks++)
          )
        )
      )
      yield* simulation.pass(3.5)
      world.crash(node, "kept", false)
      yield* simulation.pass(30)
      assert.deepStrictEqual([ticks, node.isUp, node.host.ends.size], [3, false, 0])
      world.start(node)
      yield* simulation.pass(30)
      assert.isTrue(world.isJoined(node))
      assert.deepStrictEqual([ticks, node.id, node.runs], [3, id, 2])
    })
  )

  for (const storage of ["memory", "sqlite"] as const) {
    it.live(`keeps a disk (${storage}) through a crash as the crash says`, () =>
      Effect.gen(function* () {
        const simulation = yield* standing({ storage, nodes: 4 })
        const { world } = simulation
        const node = nodeOf(simulation, 2)
        const { key } = yield* put(simulation, node, bytesOf(7))
        const held = () => node.disk.held(RecordKind.Block, key).length
        for (const [after, expected] of [
          ["kept", 1],
          ["torn", 1],
          ["lost", 0]
        ] as const) {
          world.crash(node, after, true)
          assert.strictEqual(held(), expected, after)
          yield* simulation.pass(5)
          world.start(node)
          // Later its neighbours bring back what was lost.
          assert.strictEqual(held(), expected, `${after}, and started again`)
          yield* simulation.pass(20)
        }
        assert.isDefined(node.lostAt)
      })
    )
  }

  it.live("pauses a program: it says nothing, misses nothing that was its own, and wakes with an old view", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const { world } = simulation
      const node = nodeOf(simulation, 1)
      world.network.onCarried = (from) => {
        if (from === node.number) said++
      }
      let [said, ticks] = [0, 0]
      world.fork(
        node,
        Effect.forever(
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => ticks++)
          )
        )
      )
      yield* simulation.pass(20.5)
      assert.isAbove(said, 0)
      world.pause(node)
      said = 0
      yield* simulation.pass(60)
      assert.deepStrictEqual([said, ticks], [0, 20])
      world.resume(node)
      yield* simulation.pass(0.5)
      assert.strictEqual(ticks, 21)
      yield* simulation.pass(60)
      assert.isTrue(world.isJoined(node))
    })
  )

  it.live("sets a machine's clock without touching the others'", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      simulation.world.skew(nodeOf(simulation, 1), -30)
      const read = (number: number) => doing(simulation, nodeOf(simulation, number), Clock.currentTimeMillis)
      const world = Math.floor(EPOCH + simulation.world.time.now)
      assert.deepStrictEqual([yield* read(0), yield* read(1)], [world, world - 30_000])
    })
  )

  it.live("puts machines behind routers, where they take part without being reached", () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 12, natted: 1 })
      const { world } = simulation
      const natted = world.nodes.filter((node) => node.natted)
      assert.strictEqual(natted.length, 4)
      assert.isTrue(natted.every((node) => world.isJoined(node)))
      assert.deepStrictEqual(
        natted.map((node) => serviceOf(node, SessionManager).listening()),
        [[], [], [], []]
      )
      const receipt = yield* put(simulation, natted[0]!, bytesOf(3))
      assert.isAtLeast(receipt.reached, 5)
    })
  )

  it.live("gives a node that lost its disk the keys that it had", () =>
    Effect.gen(function* () {
      const simulation = yield* standing()
      const node = nodeOf(simulation, 4)
      const { publicKey } = serviceOf(node, Identity)
      simulation.world.crash(node, "lost", false)
      simulation.world.start(node)
      yield* simulation.pass(5)
      assert.deepStrictEqual(serviceOf(node, Identity).publicKey, publicKey)
    })
  )

  it.live("lets no part of the world run the world", () =>
    Effect.gen(function* () {
      const simulation = yield* standing({ nodes: 2 })
      const inside = doing(simulation, nodeOf(simulation, 0), Effect.exit(simulation.pass(1)))
      assert.strictEqual((yield* inside)._tag, "Failure")
    })
  )
})
