import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { duration, size } from "../../src/cli/output.ts"
import { progressBar } from "../../src/cli/progress.ts"

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
  constructor(isTTY: boolean) {
    super({ write: (chunk, _, done) => (this.text += chunk) && done() })
    this.isTTY = isTTY
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
