/** Documents that several edit at once: ten thousand histories, each with its seed. */
import { assert, describe, it } from "@effect/vitest"
import { firstFault } from "../core/crdt/shrunkHistory.ts"
import { halfOf } from "./seeds.ts"

const TOGETHER = 1_000
const half = Number(process.env["ALLIUM_SEEDS_HALF"] ?? 0)

describe("shared documents", () => {
  for (let part = 0; part < 10; part++) {
    if (halfOf(part) !== half) continue
    const first = 1 + part * TOGETHER
    it(`converge in the histories of seeds ${first} to ${first + TOGETHER - 1}, in whatever order batches come`, () => {
      const fault = firstFault(first, TOGETHER)
      if (fault !== undefined) assert.fail(fault)
    })
  }
})
