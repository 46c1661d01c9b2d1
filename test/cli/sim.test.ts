import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ReportFromJson } from "#schemas/simulation/Report"
import { writePlan } from "#simulator/plan/savedPlan"
import { planOf } from "#simulator/plan/scenarios"
import { alliumHere } from "./inProcess.ts"
import { allium, cleanUp, temporaryFolder } from "./processes.ts"

afterEach(cleanUp)

const SMALL = ["sim", "--nodes", "5", "--hours", "0.02"]

const reportOf = Schema.decodeSync(ReportFromJson)

/** What the last line of stdout says. */
const lastReport = (stdout: Buffer) => reportOf(stdout.toString().trim().split("\n").at(-1) ?? "")

const refuses = async (args: ReadonlyArray<string>, code: number, sentence: RegExp) => {
  const ended = await alliumHere(["sim", ...args])
  assert.match(ended.stderr, sentence)
  assert.deepStrictEqual([ended.code, ended.stdout.toString(), ended.stderr.trim().split("\n").length], [code, "", 1])
}

// Each test starts several processes, which a busy machine does slowly.
describe("allium sim", { timeout: 60_000 }, () => {
  it("simulates a network and reports on a screen", async () => {
    const { code, stderr, stdout } = await allium(SMALL)
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout.toString(), /^steady, 5 nodes, seed 1: .* × real time\n/)
    assert.match(stdout.toString(), /\ntrace +[0-9a-f]{16} over/)
    assert.isAtMost(stdout.toString().trimEnd().split("\n").length, 40)
  })

  it("ends with the report as one JSON object", async () => {
    const { code, stderr, stdout } = await alliumHere([...SMALL, "--json", "--seed", "3"])
    const report = lastReport(stdout)
    assert.deepStrictEqual([code, stderr, report.plan.seed, report.violations], [0, "", 3, []])
    assert.isAbove(report.figures.operations["lookup"]?.count ?? 0, 0)
  })

  it("does the same from a saved plan, and keeps the report as JSON and as a page", async () => {
    const folder = temporaryFolder()
    const [file, out] = [join(folder, "plan.json"), join(folder, "out")]
    writeFileSync(file, writePlan(planOf({ scenario: "churn", seed: 7, nodes: 5, hours: 0.02 })))
    const [replayed, generated] = await Promise.all([
      alliumHere(["sim", "--replay", file, "--out", out, "--json"]),
      alliumHere([...SMALL, "--scenario", "churn", "--seed", "7", "--json"])
    ])
    assert.strictEqual(lastReport(replayed.stdout).traceHash, lastReport(generated.stdout).traceHash)
    assert.includeMembers(readdirSync(out), ["churn-7.html", "churn-7.json"])
    const kept = reportOf(readFileSync(join(out, "churn-7.json"), "utf8"))
    assert.deepStrictEqual(kept, lastReport(replayed.stdout))
    assert.include(readFileSync(join(out, "churn-7.html"), "utf8"), kept.traceHash)
  })

  it("tells each of several runs in a line, twice the same, and sums them up", async () => {
    const { code, stdout, stderr } = await alliumHere([...SMALL, "--runs", "3", "--check"])
    const lines = stdout.toString().trim().split("\n")
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(
      lines.map((line) => /^steady \d|^3 of 3 runs held/.exec(line)?.[0]),
      ["steady 1", "steady 2", "steady 3", "3 of 3 runs held"]
    )
  })

  it("says in a sentence what it cannot simulate", async () => {
    const folder = temporaryFolder()
    const [plan, other, file] = ["plan", "other", "file"].map((name) => join(folder, name)) as [string, string, string]
    const valid = planOf({ scenario: "steady", seed: 1, nodes: 5, hours: 0.02 })
    writeFileSync(plan, writePlan(valid).replace('"nodes": 5', '"nodes": 1'))
    writeFileSync(other, "\u001b[31m")
    mkdirSync(file)
    await Promise.all([
      refuses(["--scenario", "chrun"], 2, /"chrun".*"churn"/),
      refuses(["--nodes", "1"], 2, /--nodes/),
      refuses(["--hours", "0"], 2, /--hours/),
      refuses(["--replay", plan, "--seed", "3", "--nodes", "9"], 2, /leave out --nodes, --seed with --replay/),
      refuses(["--replay", plan], 1, /nodes of the plan is wrong.*--out/),
      refuses(["--replay", other], 1, /this is no plan/),
      refuses(["--replay", file], 1, /cannot be read/),
      refuses(["--replay", join(folder, "nothing")], 1, /cannot be read/)
    ])
  })
})
