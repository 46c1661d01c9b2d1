/** Runs the plans of the long checks, each once, until one breaks a promise; says so in one line of JSON, or "none". */
import { Effect } from "effect"
import { simulate } from "#simulator/simulate"
import { planOfSeed } from "./planOfSeed.ts"

const seeds = Number(process.argv[2])
let answer = "none"
for (let seed = 1; seed <= seeds && answer === "none"; seed++) {
  const { violations } = await Effect.runPromise(Effect.scoped(simulate(planOfSeed(seed))))
  const [first] = violations
  if (first !== undefined) answer = JSON.stringify({ seed, invariant: first.invariant, detail: first.detail })
}
console.log(answer)
