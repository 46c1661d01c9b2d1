/** Runs a plan from the first node's start to the last check, and reports. */
import { Effect, type Scope } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { invariants } from "./invariants/all.ts"
import { falseReceipts, receiptIsTrue } from "./invariants/durability.ts"
import { answersAreRight, HEALS_WITHIN, healing, networkHeals } from "./invariants/ends.ts"
import { makeWorld } from "./makeWorld.ts"
import { bringUp } from "./run/bringUp.ts"
import { endFaults, scheduleFaults } from "./run/faults.ts"
import { keepLooking, lookAtRest, lookNow } from "./run/looking.ts"
import { mailbox } from "./run/mailbox.ts"
import { Post } from "./run/Post.ts"
import { reportOf } from "./run/reportOf.ts"
import { Simulation } from "./run/Simulation.ts"
import { takeSample } from "./run/samples.ts"
import { startUsers } from "./run/users.ts"

export interface Progress {
  readonly phase: "starting" | "running" | "healing"
  readonly virtualSeconds: number
  readonly totalSeconds: number
  readonly alive: number
  readonly operations: number
}

export interface SimulateOptions {
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>
  readonly commit?: string
}

/** Seconds between two samples. */
const SAMPLE_EVERY = 60
/** Nodes that are stopped in the end, to see what they leave behind, and seconds for it to show. */
const STOPPED = 3
const AFTERMATH = 120

const atRest = Effect.fnUntraced(function* (simulation: Simulation) {
  const { world } = simulation
  yield* lookAtRest(simulation, invariants)
  for (const node of world.dice.fork("stopped").shuffle(simulation.willing).slice(0, STOPPED)) world.stop(node)
  yield* simulation.pass(AFTERMATH)
  lookNow(simulation, invariants)
})

export const simulate = Effect.fnUntraced(function* (
  plan: Plan,
  options: SimulateOptions = {}
): Effect.fn.Return<Report, never, Scope.Scope> {
  const began = performance.now()
  const post = new Post()
  const world = yield* makeWorld(plan, (plan.workload.messages ?? 0) > 0 ? mailbox(post) : undefined)
  const simulation = new Simulation(world, plan, post)
  const progress = (phase: Progress["phase"]): Effect.Effect<void> =>
    Effect.suspend(() =>
      options.onProgress === undefined
        ? Effect.void
        : options.onProgress({
            phase,
            virtualSeconds: phase === "starting" ? world.time.now / 1000 : simulation.now,
            totalSeconds: plan.lasts,
            alive: world.nodes.reduce((sum, node) => sum + (node.isUp ? 1 : 0), 0),
            operations: simulation.operations.count
          })
    )
  yield* bringUp(simulation, progress("starting"))
  simulation.start = world.time.now
  const { bytes, messages } = world.network

  let [isOver, isHealed] = [false, false]
  for (const invariant of invariants) invariant.watch?.(simulation)
  startUsers(
    simulation,
    {
      onWrong: (detail) => simulation.violated(answersAreRight, detail),
      onReceipt: (_, kind, receipt, begun) => {
        for (const detail of falseReceipts(simulation, kind, receipt, begun)) simulation.violated(receiptIsTrue, detail)
      }
    },
    () => isOver
  )
  scheduleFaults(simulation, plan.faults)
  keepLooking(simulation, invariants, () => isOver && simulation.violations.length > 0)
  // What is done to the nodes in the end is no part of the story.
  takeSample(simulation, SAMPLE_EVERY, () => isHealed)
  const end = simulation.start + plan.lasts * 1000
  yield* world.drive(() => simulation.violations.length > 0, end, progress("running"))
  isOver = true
  const traffic = { bytes: world.network.bytes - bytes, messages: world.network.messages - messages }

  let healed: number | undefined
  if (simulation.violations.length === 0) {
    yield* progress("healing")
    endFaults(simulation, plan.faults)
    healed = yield* healing(simulation)
    isHealed = true
    if (healed === undefined) simulation.violated(networkHeals, `it is not after ${HEALS_WITHIN / 60} minutes`)
    else yield* atRest(simulation)
  }
  return reportOf(simulation, {
    traffic,
    healed,
    commit: options.commit,
    realSeconds: (performance.now() - began) / 1000
  })
}, Effect.scoped)
