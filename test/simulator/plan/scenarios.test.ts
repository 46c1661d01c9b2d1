import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Behaviour, CellBehaviour, type Fault, type TimedFault } from "#schemas/simulation/Fault"
import { type Plan, PlanFromJson, Scenario } from "#schemas/simulation/Plan"
import { planOf } from "#simulator/plan/scenarios"

const sizes = [
  { nodes: 2, hours: 0.02 },
  { nodes: 7, hours: 0.1 },
  { nodes: 40, hours: 1 },
  { nodes: 200, hours: 5 },
  { nodes: 1_000, hours: 1 }
]
const seeds = [1, 2, 3, 4, 5, 6]

const each = (scenario: Scenario, check: (plan: Plan) => void) => {
  for (const size of sizes) for (const seed of seeds) check(planOf({ scenario, seed, ...size }))
}

const nodesOf = (fault: Fault): ReadonlyArray<number> => ("node" in fault ? [fault.node] : [])
const downFor = (fault: Fault): number | undefined => ("downFor" in fault ? fault.downFor : undefined)
const lengthOf = (fault: Fault): number => ("lasts" in fault ? fault.lasts : undefined) ?? downFor(fault) ?? 0
const goes = (fault: Fault) => fault._tag === "Stop" || fault._tag === "Crash"
const forGood = (fault: Fault) => goes(fault) && downFor(fault) === undefined
const tags = (plan: Plan) => new Set(plan.faults.map(({ fault }) => fault._tag))
const crashes = (plan: Plan) => plan.faults.flatMap(({ at, fault }) => (fault._tag === "Crash" ? [{ at, fault }] : []))

for (const scenario of Scenario.literals) {
  describe(`every plan of ${scenario}`, () => {
    it("survives being written and read", () => {
      each(scenario, (plan) => {
        const text = Schema.encodeSync(PlanFromJson)(plan)
        assert.deepStrictEqual(Schema.decodeSync(PlanFromJson)(text), plan)
      })
    })

    it("is the same for the same seed and has other faults for another", () => {
      each(scenario, ({ seed, nodes, lasts, faults }) => {
        const again = (other: number) => planOf({ scenario, seed: other, nodes, hours: lasts / 3_600 })
        assert.deepStrictEqual(again(seed).faults, faults)
        if (scenario !== "steady") assert.notDeepEqual(again(seed + 1_000).faults, faults)
      })
    })

    it("begins none of its faults at once, and is over with all before the end", () => {
      each(scenario, ({ faults, lasts }) => {
        for (const { at, fault } of faults) {
          assert.isAtLeast(at, Math.min(60, lasts / 30))
          assert.isAtMost(at + lengthOf(fault), lasts - Math.min(60, lasts / 30))
        }
      })
    })

    it("is in the order of time", () => {
      each(scenario, ({ faults }) => {
        const times = faults.map(({ at }) => at)
        assert.deepStrictEqual(
          times,
          times.toSorted((a, b) => a - b)
        )
      })
    })

    it("gives the node that others join by back, and leaves a quarter honest and one alive", () => {
      each(scenario, ({ faults, nodes }) => {
        assert.isFalse(faults.some(({ fault }) => forGood(fault) && nodesOf(fault).includes(0)))
        const turned = new Set(faults.flatMap(({ fault }) => (fault._tag === "Turn" ? [fault.node] : [])))
        assert.isAtMost(turned.size, nodes * 0.75)
        const gone = new Set(faults.flatMap(({ fault }) => (forGood(fault) ? nodesOf(fault) : [])))
        assert.isBelow(gone.size, nodes)
      })
    })

    it("does nothing to a node while it is down, paused or turned", () => {
      each(scenario, ({ faults }) => {
        const until = new Map<number, number>()
        for (const { at, fault } of faults) {
          for (const node of nodesOf(fault)) {
            assert.isAbove(at, until.get(node) ?? -1, `${fault._tag} of ${node}`)
            until.set(node, forGood(fault) ? Number.POSITIVE_INFINITY : at + lengthOf(fault))
          }
        }
      })
    })

    it("names only nodes that there are", () => {
      each(scenario, ({ faults, nodes }) => {
        const most = scenario === "flash-crowd" ? 2 * nodes : nodes
        for (const { fault } of faults) for (const node of nodesOf(fault)) assert.isBelow(node, most)
      })
    })
  })
}

const plan = (scenario: Scenario, seed = 7): Plan => planOf({ scenario, seed, nodes: 1_000, hours: 1 })

describe("the scenario", () => {
  it("steady has no fault", () => assert.deepStrictEqual(plan("steady").faults, []))

  it("churn ends sessions with a mean of an hour, and downtimes with one of five minutes", () => {
    const long = planOf({ scenario: "churn", seed: 1, nodes: 300, hours: 24 })
    const ends = long.faults.filter(({ fault }) => goes(fault))
    const cycle = (300 * long.lasts) / ends.length
    assert.closeTo(cycle, 3_900, 150)
    const down = ends.reduce((sum, { fault }) => sum + lengthOf(fault), 0) / ends.length
    assert.closeTo(down, 300, 15)
    assert.deepStrictEqual(
      tags(long),
      new Set<Fault["_tag"]>(["Stop", "Crash", "Pause", "Skew", "SlowDisk", "FullDisk", "FlipBit"])
    )
    const lost = crashes(long).filter(({ fault }) => fault.disk === "lost").length
    assert.isBelow(lost, ends.length / 10)
    assert.isAbove(lost, 0)
  })

  it("partition has partitions of two to ten minutes, a cut in one direction and bad links, none at once", () => {
    for (const seed of seeds) {
      const { faults } = plan("partition", seed)
      assert.deepStrictEqual(new Set(faults.map(({ fault }) => fault._tag)), new Set(["Partition", "Cut", "Degrade"]))
      let end = 0
      for (const { at, fault } of faults) {
        assert.isAbove(at, end)
        assert.isAtLeast(lengthOf(fault), 120)
        assert.isAtMost(lengthOf(fault), 600)
        end = at + lengthOf(fault)
        if (fault._tag === "Partition") assert.isAtMost(fault.nodes.length, 500)
        if (fault._tag === "Cut") assert.isFalse(fault.from.some((node) => fault.to.includes(node)))
      }
    }
  })

  it("mass-failure crashes a third to a half within seconds, and part of them for good", () => {
    for (const seed of seeds) {
      const found = crashes(plan("mass-failure", seed))
      assert.isAtLeast(found.length, 333)
      assert.isAtMost(found.length, 500)
      assert.isAtMost(found.at(-1)!.at - found[0]!.at, 5)
      const gone = found.filter(({ fault }) => fault.downFor === undefined).length
      assert.isAbove(gone, found.length * 0.2)
      assert.isBelow(gone, found.length * 0.4)
    }
  })

  it("byzantine turns a tenth to a fifth, and half as many for cells alone, in all nine ways", () => {
    for (const seed of seeds) {
      const turns = plan("byzantine", seed).faults.flatMap(({ fault }) => (fault._tag === "Turn" ? [fault] : []))
      const ofCells = turns.filter(({ behaviour }) => CellBehaviour.literals.some((it) => it === behaviour))
      assert.isAtLeast(turns.length - ofCells.length, 100)
      assert.isAtMost(turns.length - ofCells.length, 200)
      assert.isAtLeast(ofCells.length, 40)
      assert.isAtMost(ofCells.length, 100)
      assert.strictEqual(new Set(turns.map(({ behaviour }) => behaviour)).size, Behaviour.literals.length)
    }
    const few = planOf({ scenario: "byzantine", seed: 1, nodes: 8, hours: 1 })
    const seen = few.faults.flatMap(({ fault }) => (fault._tag === "Turn" ? [fault.behaviour] : []))
    assert.strictEqual(new Set(seen).size, Behaviour.literals.length)
  })

  it("flash-crowd lets as many again join within ten minutes", () => {
    const { faults } = plan("flash-crowd")
    assert.deepStrictEqual(
      faults.map(({ fault }) => nodesOf(fault)[0]).toSorted((a = 0, b = 0) => a - b),
      Array.from({ length: 1_000 }, (_, n) => 1_000 + n)
    )
    assert.isTrue(faults.every(({ fault }) => fault._tag === "Join"))
    assert.isAtMost(faults.at(-1)!.at - faults[0]!.at, 600)
  })

  it("cold-start takes the power from all at one instant, and gives it back over two minutes", () => {
    const found = crashes(plan("cold-start"))
    assert.strictEqual(found.length, 1_000)
    assert.strictEqual(new Set(found.map(({ at }) => at)).size, 1)
    assert.isTrue(found.every(({ fault }) => fault.power && fault.downFor !== undefined && fault.downFor <= 120))
  })

  it("rolling-restart stops each node once, spread over the time", () => {
    const { faults, lasts } = plan("rolling-restart")
    assert.strictEqual(new Set(faults.flatMap(({ fault }) => nodesOf(fault))).size, 1_000)
    assert.strictEqual(faults.length, 1_000)
    const down = (at: number) =>
      faults.filter((it: TimedFault) => it.at <= at && at < it.at + lengthOf(it.fault)).length
    for (let at = lasts * 0.1; at < lasts * 0.9; at += 60) assert.isAtMost(down(at), 10)
    assert.isAbove(faults.at(-1)!.at - faults[0]!.at, lasts * 0.85)
  })
})

describe("what a plan has by default", () => {
  const of = (nodes: number, hours = 1) => planOf({ scenario: "steady", seed: 1, nodes, hours })

  it("is fidelity for small networks and economy for large ones", () => {
    assert.include(of(60), { sessions: "noise", tempo: "production", sessionsMax: 128, storage: "memory" })
    assert.include(of(200), { sessions: "noise", tempo: "calm", sessionsMax: 128 })
    assert.include(of(201), { sessions: "plain", tempo: "calm", sessionsMax: 16 })
  })

  it("is work for one lookup for two nodes, about a thousand in the largest networks, however short the run", () => {
    for (const [nodes, hours, lookups] of [
      [1_000, 0.1, 500],
      [10_000, 1, 1_100],
      [10_000, 0.1, 1_100]
    ] as const) {
      assert.closeTo(of(nodes, hours).workload.lookups * hours * 60, lookups, 1)
    }
    assert.strictEqual(of(20).workload.lookups, 10)
  })

  it("gives way to whatever is said", () => {
    const faults: Plan["faults"] = [{ at: 1, fault: { _tag: "FlipBit", node: 1 } }]
    const said = planOf({ scenario: "churn", seed: 1, nodes: 20, hours: 1, sessions: "plain", natted: 0.5, faults })
    assert.deepInclude(said, { sessions: "plain", natted: 0.5, faults, lasts: 3_600 })
  })
})
