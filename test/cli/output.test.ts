import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { duration, size } from "../../src/cli/output.ts"
import { progressBar, simulationBar } from "../../src/cli/progress.ts"

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
