/** Sends every cell again some moments later, and every other one a third time: to whoever it was for. */
import { Effect, FiberSet } from "effect"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { Give, MakeCarrier } from "../watchedCells.ts"

/** Cells that wait to be sent again. */
export const ECHOES = 1_024
/** Milliseconds until then, at most. */
const LATEST = 10_000

export const carrier: MakeCarrier = Effect.gen(function* () {
  const [random, run] = [yield* SecureRandom, yield* FiberSet.makeRuntime<never, void, never>()]
  let [waiting, turn] = [0, 0]

  const later = (cell: Uint8Array, give: Give): void => {
    if (waiting >= ECHOES) return
    waiting++
    const moment = (LATEST * (1 + (random.bytes(1)[0] ?? 0))) / 256
    const again = Effect.sync(() => {
      waiting--
      give(cell)
    })
    run(Effect.delay(again, moment))
  }

  return (cell, give) => {
    // The session may seal a cell where it lies.
    const copy = cell.slice()
    const given = give(cell)
    for (let times = given ? 1 + (turn++ % 2) : 0; times > 0; times--) later(copy, give)
    return given
  }
})
