/** The plans that the flags of `allium sim` ask for. */
import { readFileSync } from "node:fs"
import { Effect, Option } from "effect"
import { type Plan, Scenario } from "#schemas/simulation/Plan"
import { readPlan } from "#simulator/plan/savedPlan"
import { planOf } from "#simulator/plan/scenarios"
import { plain } from "#simulator/report/figures"
import { failure, wrongUsage } from "./Failure.ts"

export interface PlanFlags {
  readonly scenario: Option.Option<Scenario | "all">
  readonly nodes: Option.Option<number>
  readonly seed: Option.Option<number>
  readonly hours: Option.Option<number>
  readonly runs: Option.Option<number>
  readonly sessions: Option.Option<Plan["sessions"]>
  readonly storage: Option.Option<Plan["storage"]>
  readonly tempo: Option.Option<Plan["tempo"]>
}

export interface Plans {
  readonly count: number
  readonly mostNodes: number
  /** One at a time: thousands of faults may be in each. */
  readonly each: Iterable<Plan>
}

/** Where so many nodes take minutes only to start, a quarter of an hour has the lookups that a plot needs, too. */
const MANY = 2_000
const HOURS_OF_MANY = 0.25

export const plansOf = Effect.fnUntraced(function* (flags: PlanFlags, replay: string | undefined) {
  if (replay === undefined) return generated(flags)
  const said = Object.entries(flags).flatMap(([name, value]) => (Option.isSome(value) ? [`--${name}`] : []))
  if (said.length > 0) {
    return yield* wrongUsage(`a saved plan says everything about its run: leave out ${said.join(", ")} with --replay`)
  }
  const plan = yield* saved(replay)
  return { count: 1, mostNodes: plan.nodes, each: [plan] } satisfies Plans
})

const generated = (flags: PlanFlags): Plans => {
  const scenario = Option.getOrElse(flags.scenario, () => "steady" as const)
  const scenarios = scenario === "all" ? Scenario.literals : [scenario]
  const nodes = Option.getOrElse(flags.nodes, () => 100)
  const first = Option.getOrElse(flags.seed, () => 1)
  const runs = Option.getOrElse(flags.runs, () => 1)
  const rest = {
    nodes,
    hours: Option.getOrElse(flags.hours, () => (nodes > MANY ? HOURS_OF_MANY : 1)),
    ...Option.match(flags.sessions, { onNone: () => ({}), onSome: (sessions) => ({ sessions }) }),
    ...Option.match(flags.storage, { onNone: () => ({}), onSome: (storage) => ({ storage }) }),
    ...Option.match(flags.tempo, { onNone: () => ({}), onSome: (tempo) => ({ tempo }) })
  }
  const each = function* () {
    for (const scenario of scenarios) {
      for (let run = 0; run < runs; run++) yield planOf({ scenario, seed: first + run, ...rest })
    }
  }
  return { count: scenarios.length * runs, mostNodes: nodes, each: each() }
}

const saved = (file: string) =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: () => failure(`${file} cannot be read: check its name and permissions`)
  }).pipe(
    Effect.flatMap((text) => Effect.fromResult(readPlan(text))),
    Effect.catchTag("PlanUnreadable", ({ message }) =>
      Effect.fail(failure(`${file} cannot be replayed, ${plain(message)}: give a .plan.json file that --out left`))
    )
  )
