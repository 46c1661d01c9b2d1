/** `allium sim`. */
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { Plan, Scenario } from "#schemas/simulation/Plan"
import { root } from "./root.ts"

const Hours = Schema.Finite.check(Schema.isBetween({ minimum: 0.001, maximum: 8_760 }))
const Runs = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

/** What makes the plan: without a default here, so that --replay can tell what was said. */
const planFlags = {
  scenario: Flag.Literals("scenario", [...Scenario.literals, "all"]).pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("What happens to the network (steady)"),
    Flag.optional
  ),
  nodes: Flag.Int("nodes").pipe(
    Flag.withDescription("How many nodes (100)"),
    Flag.withSchema(Plan.fields.nodes),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(Flag.withDescription("What every chance is drawn from (1)"), Flag.optional),
  hours: Flag.Finite("hours").pipe(
    Flag.withDescription("How long it goes on, in virtual time (1; above 2,000 nodes 0.25)"),
    Flag.withSchema(Hours),
    Flag.optional
  ),
  runs: Flag.Int("runs").pipe(
    Flag.withDescription("How many seeds, from --seed upwards (1)"),
    Flag.withSchema(Runs),
    Flag.optional
  ),
  sessions: Flag.Literals("sessions", Plan.fields.sessions.literals).pipe(
    Flag.withDescription("Real handshakes and sealed frames, or plain ones for size"),
    Flag.optional
  ),
  storage: Flag.Literals("storage", Plan.fields.storage.literals).pipe(
    Flag.withDescription("Where nodes keep records"),
    Flag.optional
  ),
  tempo: Flag.Literals("tempo", Plan.fields.tempo.literals).pipe(
    Flag.withDescription("Periodic work as real nodes do it, or less often for networks of thousands"),
    Flag.optional
  )
}

export const sim = Command.make(
  "sim",
  {
    plan: planFlags,
    replay: Flag.String("replay").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("Run a saved plan instead"),
      Flag.optional
    ),
    check: Flag.Boolean("check").pipe(
      Flag.withDescription("Run each twice: both must do exactly the same"),
      Flag.withDefault(false)
    ),
    shrink: Flag.Boolean("shrink").pipe(
      Flag.withDescription("After a violation, look for the smallest plan that still has it, and save it"),
      Flag.withDefault(false)
    ),
    out: Flag.String("out").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("Folder for a report as JSON and as a page, and for plans that failed"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ plan, replay, out, check, shrink }) {
    const { runSim } = yield* Effect.promise(() => import("./runSim.ts"))
    yield* runSim({
      plan,
      replay: Option.getOrUndefined(replay),
      out: Option.getOrUndefined(out),
      check,
      shrink,
      json: (yield* root).json
    })
  })
).pipe(
  Command.withDescription("Simulate a network with faults in virtual time, and check what it promises"),
  Command.withExamples([
    { command: "allium sim", description: "An hour of 100 nodes at peace, in seconds" },
    {
      command: "allium sim --scenario churn --nodes 1000 --seed 7 --out reports",
      description: "A thousand nodes that come and go, with a page of plots"
    },
    {
      command: "allium sim --scenario all --runs 50 --check",
      description: "Fifty seeds of every scenario, each twice"
    },
    {
      command: "allium sim --replay reports/churn-7.plan.json --shrink",
      description: "See a failure again, and make it smaller"
    }
  ])
)
