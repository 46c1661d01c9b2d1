// Turns the test runner's JSON reports into one closing line, and the exit code of the whole run: non-zero when a test
// failed, when a report has none that passed, or when a step before it failed (first argument).
import { readFileSync } from "node:fs"

const [before, ...files] = process.argv.slice(2)
let [passed, failed] = [0, 0]
let isEmpty = false
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, "utf8"))
    passed += report.numPassedTests
    // A file that cannot be loaded has no failed test.
    failed += Math.max(report.numFailedTests, report.success ? 0 : 1)
    isEmpty ||= report.numPassedTests === 0
  } catch {
    console.log(`The test run left no report in ${file}.`)
    failed++
  }
}
if (Number(before) > 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 && !isEmpty ? 0 : 1)
