/**
 * The smallest plan that still goes wrong, for a person to read.
 *
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002,
 * algorithm ddmin): tries parts of the list of faults, then what is left without a part, in ever smaller parts. The end
 * is a list of which no single fault can be left out. Afterwards the run gets shorter and its users fewer.
 */
import { Effect } from "effect"
import type { TimedFault } from "#schemas/simulation/Fault"
import type { Plan, Workload } from "#schemas/simulation/Plan"

export interface ShrinkStep {
  /** Plans that were tried, this one included, and how many may be. */
  readonly runs: number
  readonly mostRuns: number
  readonly tried: Plan
  readonly failed: boolean
  /** The smallest that is known to fail. */
  readonly smallest: Plan
}

export interface ShrinkOptions {
  /** Plans that are tried at most; 64 by default. With fewer than it takes the answer is smaller, not the smallest. */
  readonly runs?: number
  readonly onStep?: (step: ShrinkStep) => Effect.Effect<void>
}

const MOST_RUNS = 64
/** How often the workload is halved: to a thousandth. */
const MOST_HALVINGS = 10
/** A shorter run is tried only if it saves at least this share. */
const WORTH = 0.1

type Try = (plan: Plan) => Effect.Effect<boolean>

/** `plan` is one that fails; `fails` says whether another does. */
export const shrink = (
  plan: Plan,
  fails: (plan: Plan) => Effect.Effect<boolean>,
  { runs: mostRuns = MOST_RUNS, onStep = () => Effect.void }: ShrinkOptions = {}
): Effect.Effect<Plan> =>
  Effect.gen(function* () {
    let smallest = plan
    let runs = 0
    /** Whether it fails too, and so is the smallest now. Nothing does once all runs are used up. */
    const attempt: Try = Effect.fnUntraced(function* (tried) {
      if (runs >= mostRuns) return false
      runs++
      const failed = yield* fails(tried)
      if (failed) smallest = tried
      yield* onStep({ runs, mostRuns, tried, failed, smallest })
      return failed
    })
    yield* fewerFaults(plan, attempt, () => runs >= mostRuns)
    while (runs < mostRuns) {
      const shorter = half(smallest)
      if (shorter === undefined || !(yield* attempt(shorter))) break
    }
    for (let halving = 0; halving < MOST_HALVINGS; halving++) {
      if (!(yield* attempt({ ...smallest, workload: quieter(smallest.workload) }))) break
    }
    return smallest
  })

const fewerFaults = Effect.fnUntraced(function* (plan: Plan, attempt: Try, spent: () => boolean) {
  const tried = new Set<string>()
  const fails = (places: ReadonlyArray<number>) =>
    Effect.suspend(() => {
      const name = places.join()
      if (tried.has(name)) return Effect.succeed(false)
      tried.add(name)
      return attempt({ ...plan, faults: at(plan.faults, places) })
    })
  let places: ReadonlyArray<number> = plan.faults.map((_, place) => place)
  if (places.length === 0 || (yield* fails([]))) return
  let parts = 2
  while (places.length >= 2 && !spent()) {
    const smaller = yield* firstOf(candidates(places, parts), fails)
    if (smaller !== undefined) {
      parts = smaller.isPart ? 2 : Math.max(parts - 1, 2)
      places = smaller.places
    } else if (parts >= places.length) return
    else parts = Math.min(2 * parts, places.length)
  }
})

interface Candidate {
  readonly places: ReadonlyArray<number>
  readonly isPart: boolean
}

/** Each of so many parts of nearly equal size, then what is left without each. */
function* candidates(places: ReadonlyArray<number>, parts: number): Generator<Candidate> {
  const bound = (part: number): number => Math.floor((part * places.length) / parts)
  for (let part = 0; part < parts; part++) yield { places: places.slice(bound(part), bound(part + 1)), isPart: true }
  for (let part = 0; part < parts; part++) {
    yield { places: [...places.slice(0, bound(part)), ...places.slice(bound(part + 1))], isPart: false }
  }
}

const firstOf = Effect.fnUntraced(function* (
  all: Iterable<Candidate>,
  fails: (places: ReadonlyArray<number>) => Effect.Effect<boolean>
) {
  for (const candidate of all) if (yield* fails(candidate.places)) return candidate
  return undefined
})

const at = (faults: ReadonlyArray<TimedFault>, places: ReadonlyArray<number>): ReadonlyArray<TimedFault> =>
  places.flatMap((place) => faults.slice(place, place + 1))

/** Half as long, or until the last fault is over; undefined when that is hardly shorter. */
const half = (plan: Plan): Plan | undefined => {
  const last = plan.faults.reduce((latest, fault) => Math.max(latest, endOf(fault)), 0)
  const lasts = Math.max(1, last, plan.lasts / 2)
  return lasts > plan.lasts * (1 - WORTH) ? undefined : { ...plan, lasts }
}

const endOf = ({ at, fault }: TimedFault): number =>
  at + (("lasts" in fault ? fault.lasts : "downFor" in fault ? fault.downFor : undefined) ?? 0)

const quieter = (workload: Workload): Workload => ({
  ...workload,
  ...(workload.messages === undefined ? {} : { messages: workload.messages / 2 }),
  puts: workload.puts / 2,
  gets: workload.gets / 2,
  updates: workload.updates / 2,
  reads: workload.reads / 2,
  lookups: workload.lookups / 2,
  files: workload.files / 2
})
