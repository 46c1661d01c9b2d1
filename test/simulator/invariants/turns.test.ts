import { describe, expect, it } from "@effect/vitest"
import { inTurn } from "#simulator/invariants/turns"
import type { Simulation } from "#simulator/run/Simulation"

const at = (seconds: number) => ({ world: { time: { now: seconds * 1000 } } }) as Simulation

describe("inTurn", () => {
  it("is all where they are few", () => {
    expect(inTurn([1, 2, 3], at(60), 60, 3)).toStrictEqual([1, 2, 3])
    expect(inTurn([], at(60), 60, 3)).toStrictEqual([])
  })

  it("is another row at each look, and everybody after a while", () => {
    const all = Array.from({ length: 10 }, (_, number) => number)
    const looks = [0, 1, 2].map((look) => inTurn(all, at(60 * look), 60, 4))
    expect(looks).toStrictEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 0, 1]
    ])
  })
})
