/** A run that broke a promise, in words for whoever has to find out why. */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { writePlan } from "#simulator/plan/savedPlan"

const root = fileURLToPath(new URL("../..", import.meta.url))
const FOLDER = "simulation-results"
/** Of the last events: enough to see what led to it, few enough to read. */
const EVENTS = 40

export const commit = ((): string => {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .trim()
  } catch {
    return "unknown" // no git, or no repository
  }
})()

/** Saves the plan; answers the file, as seen from the root of the checkout. */
export const keepFailure = (plan: Plan): string => {
  const file = join(FOLDER, `${plan.scenario}-${plan.seed}.plan.json`)
  mkdirSync(join(root, FOLDER), { recursive: true })
  writeFileSync(join(root, file), writePlan(plan))
  return file
}

export const sentencesOf = ({ lastEvents, plan, violations }: Report, file: string): string => {
  const [first, ...rest] = violations
  return [
    `seed ${plan.seed}, commit ${commit}: "${first?.invariant}" is broken at ${first?.at} s`,
    `  ${first?.sentence}`,
    `  ${first?.detail}${rest.length > 0 ? ` (and ${rest.length} more)` : ""}`,
    "The last events:",
    ...lastEvents.slice(-EVENTS).map((event) => `  ${event}`),
    `Again: npx allium sim --replay ${file}`
  ].join("\n")
}
