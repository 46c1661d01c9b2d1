/** What `allium sim` keeps of its runs, and what it knows of the code that runs. */
import { execFileSync, type StdioOptions } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import type { Plan } from "#schemas/simulation/Plan"
import type { Report } from "#schemas/simulation/Report"
import { writePlan } from "#simulator/plan/savedPlan"
import { htmlOf } from "#simulator/report/html"
import { failure } from "./Failure.ts"

/** The report as JSON and as a page, and the plan if it broke a promise; answers the page's path. */
export const keepReport = Effect.fnUntraced(function* (folder: string, report: Report) {
  const name = nameOf(report.plan)
  yield* write(folder, `${name}.json`, `${JSON.stringify(report, null, 2)}\n`)
  if (report.violations.length > 0) yield* keepPlan(folder, report.plan, name)
  return yield* write(folder, `${name}.html`, htmlOf(report))
})

export const keepPlan = (folder: string, plan: Plan, name = `${nameOf(plan)}.smallest`) =>
  write(folder, `${name}.plan.json`, writePlan(plan))

const nameOf = ({ scenario, seed }: Plan): string => `${scenario}-${seed}`

const write = (folder: string, name: string, text: string) =>
  Effect.try({
    try: () => {
      mkdirSync(folder, { recursive: true })
      const file = join(folder, name)
      writeFileSync(file, text)
      return file
    },
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? cause.code : cause
      return failure(`${join(folder, name)} cannot be written (${code}): choose another folder with --out`)
    }
  })

/** Of the checkout that these sources are in; a built package may lie in somebody else's. */
export const commitOf = (): string | null => {
  if (!import.meta.url.endsWith(".ts")) return null
  try {
    const surroundings = { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "ignore"] satisfies StdioOptions }
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], surroundings).toString().trim()
  } catch {
    return null // no git, or no repository
  }
}
