import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Behaviour } from "#schemas/simulation/Fault"
import { memoryDisk } from "#simulator/disk/memoryDisk"
import { World, type WorldPlan } from "#simulator/World"

const plan: WorldPlan = {
  seed: 7,
  sessions: "plain",
  sessionsMax: 64,
  tempo: "production",
  replicationFactor: 5,
  natted: 0,
  link: { latency: 40, spread: 0.3, jitter: 2, bandwidth: 1e7, loss: 0, duplication: 0, reordering: 0 }
}

/** Five honest nodes and one of each kind that is not; the hash of what went over the wire in two minutes. */
const run = Effect.gen(function* () {
  const world = new World({ plan, disk: (_, dice) => memoryDisk({ quotaBytes: 1e7, fsync: 2, dice }) })
  for (const behaviour of [...Array.from({ length: 5 }, () => undefined), ...Behaviour.literals]) {
    world.start(world.addNode(), behaviour)
    yield* world.drive(() => false, world.time.now + 1000)
  }
  yield* world.drive(() => false, world.time.now + 120_000)
  const joined = world.nodes.filter((node) => world.isJoined(node)).length
  world.close()
  return { hash: world.trace.hash, joined }
})

describe("nodes that do not keep the protocol", () => {
  it.live("do the same again from the same seed, and honest ones join among them", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* run, yield* run]
      assert.deepStrictEqual(first, second)
      assert.isAtLeast(first.joined, 5)
    })
  )
})
