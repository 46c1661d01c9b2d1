/** How invariants look at a world: again and again while it goes on, and once more at rest. */
import { Effect } from "effect"
import type { Invariant } from "../invariants/Invariant.ts"
import type { Simulation } from "./Simulation.ts"

/** Seconds between two looks of an invariant that does not say. */
const EVERY = 60

/** Each invariant looks again and again until it is over. */
export const keepLooking = (
  simulation: Simulation,
  invariants: ReadonlyArray<Invariant>,
  isOver: () => boolean
): void => {
  for (const invariant of invariants) {
    const look = (): void => {
      if (isOver()) return
      lookNow(simulation, [invariant])
      simulation.after(invariant.every ?? EVERY, look)
    }
    if (invariant.check !== undefined) simulation.after(invariant.every ?? EVERY, look)
  }
}

export const lookNow = (simulation: Simulation, invariants: ReadonlyArray<Invariant>): void => {
  for (const invariant of invariants) {
    for (const detail of invariant.check?.(simulation) ?? []) simulation.violated(invariant, detail)
  }
}

export const lookAtRest = Effect.fnUntraced(function* (simulation: Simulation, invariants: ReadonlyArray<Invariant>) {
  for (const invariant of invariants) {
    for (const detail of yield* invariant.atRest?.(simulation) ?? Effect.succeed([])) {
      simulation.violated(invariant, detail)
    }
  }
})
