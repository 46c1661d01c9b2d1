import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { ago, count, duration, harmless, lifetime, size, table } from "../../src/cli/output.ts"
import { countBar, patiently, progressBar, simulationBar } from "../../src/cli/progress.ts"

describe("output", () => {
  it("shows sizes in binary units, and bytes as they are", () => {
    assert.deepStrictEqual([0, 1023, 1024, 1536, 64 * 1024 ** 2, 3 * 1024 ** 4].map(size), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "64.0 MiB",
      "3.0 TiB"
    ])
  })

  it("shows times with the two units that matter", () => {
    assert.deepStrictEqual([3.4, 999, 1_500, 61_000, 3_700_000, 90_000_000].map(duration), [
      "3 ms",
      "999 ms",
      "1.5 s",
      "1 min 1 s",
      "1 h 1 min",
      "1 d 1 h"
    ])
  })
})

describe("words", () => {
  it("tells when something was and how long it lives", () => {
    assert.deepStrictEqual([ago(null, 100), ago(40, 100), ago(101, 100)], ["never", "1 min 0 s ago", "0 ms ago"])
    assert.deepStrictEqual([lifetime(160, 100), lifetime(100, 100)], ["lives another 1 min 0 s", "has expired"])
  })

  it("counts one and many", () => {
    assert.deepStrictEqual(
      [count(1, "node"), count(0, "node"), count(2, "copy", "copies")],
      ["1 node", "0 nodes", "2 copies"]
    )
  })

  it("lets no stranger steer the terminal", () => {
    assert.strictEqual(harmless("a\x1b[31mb\x07\u202e"), "a\\u{1b}[31mb\\u{7}\\u{202e}")
    assert.strictEqual(harmless("grüße, 你好"), "grüße, 你好")
  })

  it("sets the further lines of a value below the first", () => {
    assert.strictEqual(table([["name", "one\ntwo"]]), `name${" ".repeat(9)}one\n${" ".repeat(13)}two`)
  })
})

class Screen extends Writable {
  text = ""
  readonly isTTY: boolean
  readonly columns: number
  constructor(isTTY: boolean, columns = 200) {
    super({ write: (chunk, _, done) => (this.text += chunk) && done() })
    this.isTTY = isTTY
    this.columns = columns
  }
}

describe("progressBar", () => {
  it("draws on a terminal and leaves a clean line behind", () => {
    const screen = new Screen(true)
    const bar = progressBar("stored", screen)
    bar.update(512, 1024)
    assert.match(screen.text, /stored 512 B of 1\.0 KiB/)
    bar.finish()
    assert.isTrue(screen.text.endsWith("\r\x1b[2K"))
  })

  it("does not draw more often than a person sees", () => {
    const screen = new Screen(true)
    const bar = progressBar("stored", screen)
    for (let bytes = 0; bytes < 1_000; bytes++) bar.update(bytes, 1_000)
    assert.isBelow(screen.text.split("\r").length, 20)
  })

  it("says nothing of short work where nobody watches", () => {
    const screen = new Screen(false)
    const bar = progressBar("stored", screen)
    bar.update(512, undefined)
    bar.finish()
    assert.strictEqual(screen.text, "")
  })
})

describe("countBar", () => {
  it("tells how many of how many are done, and leaves a clean line behind", () => {
    const screen = new Screen(true)
    const bar = countBar("looked at", screen)
    bar.update(1_200, 2_400)
    assert.match(screen.text, /looked at 1,200 of 2,400, .* left/)
    bar.finish()
    assert.isTrue(screen.text.endsWith("\r\x1b[2K"))
  })
})

describe("patiently", () => {
  const waitFor = Effect.fnUntraced(function* (screen: Screen, seconds: number) {
    const answer = yield* Deferred.make<number>()
    const waiting = yield* Effect.forkChild(patiently("asking around", screen)(Deferred.await(answer)))
    yield* TestClock.adjust(seconds * 1_000)
    const during = screen.text
    yield* Deferred.succeed(answer, 7)
    assert.strictEqual(yield* Fiber.join(waiting), 7)
    return during
  })

  it.effect("says what is waited for once it takes longer than a second, and leaves a clean line", () =>
    Effect.gen(function* () {
      const [quick, slow] = [new Screen(true), new Screen(true)]
      assert.strictEqual(yield* waitFor(quick, 0.9), "")
      assert.match(yield* waitFor(slow, 1.1), /asking around, /)
      assert.isTrue(slow.text.endsWith("\r\x1b[2K"))
    })
  )

  it.effect("says nothing of it where nobody watches", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* waitFor(new Screen(false), 3), "")
    })
  )
})

describe("simulationBar", () => {
  const step = { phase: "running", virtualSeconds: 900, totalSeconds: 3_600, alive: 998, operations: 12_345 } as const

  it("tells phase, virtual time, nodes, operations and speed", () => {
    const screen = new Screen(true)
    simulationBar("2 of 9, ", screen).update(step)
    assert.match(screen.text, /2 of 9, running, 15 min 0 s of 1 h 0 min, 998 alive, 12,345 operations, [\d,]+ × real/)
    assert.match(screen.text, /━{28}/)
  })

  it("stays on one line of a narrow terminal", () => {
    const lengths = [100, 60, 30].map((columns) => {
      const screen = new Screen(true, columns)
      simulationBar("", screen).update(step)
      return screen.text.slice("\r\x1b[2K".length).length < columns
    })
    assert.deepStrictEqual(lengths, [true, true, true])
  })
})
