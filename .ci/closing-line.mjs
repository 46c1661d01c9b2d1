// Turns the test runner's JSON report into one closing line, and the exit code of the whole run:
// non-zero when a test failed, when none passed, or when a step before it failed (second argument).
import { readFileSync } from "node:fs"

const [file, before] = process.argv.slice(2)
let report = { numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 1, success: false }
try {
  report = JSON.parse(readFileSync(file, "utf8"))
} catch {
  console.log("The test run left no report.")
}
const earlier = Number(before) > 0 && report.success ? 1 : 0
const failed = Math.max(report.numFailedTests, report.success ? 0 : 1) + earlier
console.log(`${report.numPassedTests} passed, ${failed} failed`)
process.exit(failed === 0 && report.numPassedTests > 0 ? 0 : 1)
