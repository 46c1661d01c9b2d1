/** Runs a plan from the first node's start to the last check, and reports. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import type { Disk } from "./disk/Disk.ts"
import { memoryDisk } from "./disk/memoryDisk.ts"
import { sqliteDisk } from "./disk/sqliteDisk.ts"
import { invariants } from "./invariants/all.ts"
import { falseReceipts, receiptIsTrue } from "./invariants/durability.ts"
import { answersAreRight, HEALS_WITHIN, healing, networkHeals } from "./invariants/ends.ts"
import { bringUp } from "./run/bringUp.ts"
import { endFaults, scheduleFaults } from "./run/faults.ts"
import { reportOf } from "./run/reportOf.ts"
import { Simulation } from "./run/Simulation.ts"
import { takeSample } from "./run/samples.ts"
import { startUsers } from "./run/users.ts"
import { World } from "./World.ts"

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

/** Milliseconds of a write to a simulated disk. */
const FSYNC = 4
const QUOTA = 64 * 1024 * 1024
/** Seconds between two samples, and between two looks of an invariant that does not say. */
const SAMPLE_EVERY = 60
const LOOK_EVERY = 60
/** Nodes that are stopped in the end, to see what they leave behind, and seconds for it to show. */
const STOPPED = 3
const AFTERMATH = 120

/** A folder for the disks of one run, gone with its scope. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-simulation-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const makeWorld = Effect.fnUntraced(function* (plan: Plan): Effect.fn.Return<World, never, Scope.Scope> {
  const path = plan.storage === "sqlite" ? yield* temporaryFolder : undefined
  const disk = (node: number, dice: World["dice"]): Disk =>
    path === undefined
      ? memoryDisk({ quotaBytes: QUOTA, fsync: FSYNC, dice })
      : sqliteDisk({ folder: join(path, String(node)), quotaBytes: QUOTA, dice })
  return yield* Effect.acquireRelease(
    Effect.sync(() => new World({ plan, disk })),
    (world) => Effect.sync(() => world.close())
  )
})

/** Every invariant looks again and again, until there is something to tell. */
const keepLooking = (simulation: Simulation, isOver: () => boolean): void => {
  for (const invariant of invariants) {
    const look = (): void => {
      if (isOver()) return
      for (const detail of invariant.check?.(simulation) ?? []) simulation.violated(invariant, detail)
      simulation.after(invariant.every ?? LOOK_EVERY, look)
    }
    if (invariant.check !== undefined) simulation.after(invariant.every ?? LOOK_EVERY, look)
  }
}

const atRest = Effect.fnUntraced(function* (simulation: Simulation) {
  const { world } = simulation
  for (const invariant of invariants) {
    for (const detail of yield* invariant.atRest?.(simulation) ?? Effect.succeed([])) {
      simulation.violated(invariant, detail)
    }
  }
  for (const node of world.dice.fork("stopped").shuffle(simulation.willing).slice(0, STOPPED)) world.stop(node)
  yield* simulation.pass(AFTERMATH)
  for (const invariant of invariants) {
    for (const detail of invariant.check?.(simulation) ?? []) simulation.violated(invariant, detail)
  }
})

export const simulate = Effect.fnUntraced(function* (
  plan: Plan,
  options: SimulateOptions = {}
): Effect.fn.Return<Report, never, Scope.Scope> {
  const began = performance.now()
  const world = yield* makeWorld(plan)
  const simulation = new Simulation(world, plan)
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

  let isOver = false
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
  keepLooking(simulation, () => isOver && simulation.violations.length > 0)
  takeSample(simulation, SAMPLE_EVERY)
  const end = simulation.start + plan.lasts * 1000
  yield* world.drive(() => simulation.violations.length > 0, end, progress("running"))
  isOver = true
  const traffic = { bytes: world.network.bytes - bytes, messages: world.network.messages - messages }

  let healed: number | undefined
  if (simulation.violations.length === 0) {
    yield* progress("healing")
    endFaults(simulation, plan.faults)
    healed = yield* healing(simulation)
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
