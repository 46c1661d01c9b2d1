/** A thread for simulated runs, with as much memory as they need. */
import { setFlagsFromString } from "node:v8"
import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { type Failure, failure } from "./Failure.ts"
import type { ShrinkingStep, SimulationStep } from "./progress.ts"
import type { Task, Told } from "./simWorker.ts"

const MiB = 1024 * 1024

/** Keeps a process with up to 2,000 nodes below 4 GiB, everything included: V8's limit is on its own heap alone. */
const HEAP = 3_456 // MiB
const HEAP_A_NODE = 2 // MiB
/** Nearly everything that a run makes is soon forgotten: with more room, less of it has to be copied before it is. */
const YOUNG = 384 // MiB

/** MiB. */
const heapFor = (nodes: number): number =>
  Math.round(Math.max(HEAP, Math.min(nodes * HEAP_A_NODE, (process.availableMemory() / MiB) * 0.8)))

/**
 * The bytes of messages lie outside V8's heap, and by itself V8 looks through all of the heap whenever 64 MiB of them have
 * outlived their youth: every few seconds, with a thousand nodes on it, for a quarter of the time of a run. So they count
 * as if they lay inside, and the heap may grow to five times what lives on it, within its limit, before it is looked through.
 */
const COLLECT_RARELY = ["--external-memory-accounted-in-global-limit", "--heap-growing-percent=400"]

type OnStep = (step: SimulationStep | ShrinkingStep) => void

export interface SimulationThread {
  readonly simulate: (plan: Plan, commit: string | null, onStep: OnStep) => Effect.Effect<Report, Failure>
  /** The smallest plan that breaks this promise too. */
  readonly shrink: (plan: Plan, invariant: string, onStep: OnStep) => Effect.Effect<Plan, Failure>
}

/**
 * The heap of the process itself cannot be made larger once it runs (V8 takes the flag and ignores it); that of a thread
 * is given at its start, and a run that needs more than it has ends the thread and not the process.
 */
export const simulationThread = Effect.fnUntraced(function* (nodes: number) {
  const heap = heapFor(nodes)
  const worker = yield* Effect.acquireRelease(
    Effect.sync(() => start(heap)),
    (worker) => Effect.sync(() => void worker.terminate())
  )
  const run = <A>(task: Task, onStep: OnStep, answer: (told: Told) => A | undefined) =>
    Effect.callback<A, Failure>((resume) => {
      const end = (result: Effect.Effect<A, Failure>) => {
        worker.off("message", onMessage).off("error", onError)
        resume(result)
      }
      const onMessage = (told: Told) => {
        if (told._tag === "Step") return onStep(told.step)
        const value = answer(told)
        end(value === undefined ? Effect.die(told._tag === "Failed" ? told.cause : told) : Effect.succeed(value))
      }
      const onError = (cause: unknown) => end(outOfMemory(cause) ? tooLarge(task.plan, heap) : Effect.die(cause))
      worker.on("message", onMessage).on("error", onError).postMessage(task)
    })
  return {
    simulate: (plan, commit, onStep) =>
      run({ _tag: "Simulate", plan, commit }, onStep, (told) => (told._tag === "Report" ? told.report : undefined)),
    shrink: (plan, invariant, onStep) =>
      run({ _tag: "Shrink", plan, invariant }, onStep, (told) => (told._tag === "Smallest" ? told.plan : undefined))
  } satisfies SimulationThread
})

const start = (heap: number): Worker => {
  for (const flag of COLLECT_RARELY) setFlagsFromString(flag)
  const source = import.meta.url.endsWith(".ts")
  return new Worker(new URL(source ? "./simWorker.ts" : "./simWorker.js", import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: YOUNG },
    // What the launcher does to find the sources holds for its own thread only.
    ...(source ? { execArgv: ["--conditions=allium-source"] } : {})
  })
}

const outOfMemory = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY"

const tooLarge = ({ nodes }: Plan, heap: number) =>
  Effect.fail(
    failure(`${nodes} nodes need more than the ${heap} MiB that they may have here: simulate fewer, or --tempo calm`)
  )
