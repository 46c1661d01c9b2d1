import { assert, describe, it } from "@effect/vitest"
import { contentTypeOf } from "../../src/cli/contentTypes.ts"
import { clockTime, timeOf } from "../../src/cli/times.ts"

const NOW = Date.UTC(2026, 2, 10, 12)
const HOUR = 3_600_000

describe("times", () => {
  it("are dates, or how long ago it was, and nothing else", () => {
    assert.strictEqual(timeOf("2h", NOW), NOW - 2 * HOUR)
    assert.strictEqual(timeOf(" 3d ", NOW), NOW - 72 * HOUR)
    assert.strictEqual(timeOf("90min", NOW), NOW - 1.5 * HOUR)
    assert.strictEqual(timeOf("1w", NOW), NOW - 168 * HOUR)
    assert.strictEqual(timeOf("2026-03-01", NOW), Date.UTC(2026, 2, 1))
    assert.strictEqual(timeOf("2026-03-01T12:30Z", NOW), Date.UTC(2026, 2, 1, 12, 30))
    assert.strictEqual(timeOf("2026-03-01 12:30:05.250+02:00", NOW), Date.UTC(2026, 2, 1, 10, 30, 5, 250))
    for (const text of ["", "soon", "2", "-2h", "2 hours", "2026-13-01", "2026-02-01T25:00", "March 1", "99999999d"])
      assert.isUndefined(timeOf(text, NOW), text)
  })

  it("are told in UTC, also those that no calendar has", () => {
    assert.strictEqual(clockTime(NOW), "2026-03-10 12:00:00")
    assert.strictEqual(clockTime(Number.MAX_SAFE_INTEGER), "9007199254740991")
  })
})

describe("content types", () => {
  it("go by the end of a file's name", () => {
    assert.strictEqual(contentTypeOf("notes/Decision.MD"), "text/markdown")
    assert.strictEqual(contentTypeOf("a.tar.gz"), "application/gzip")
    assert.strictEqual(contentTypeOf("-"), "text/plain")
    for (const file of ["Makefile", "folder.md/file", "x.unknown", "x.constructor", "x.__proto__"])
      assert.strictEqual(contentTypeOf(file), "application/octet-stream", file)
  })
})
