/** A promise of the network, with a sentence that says it, and ways to see that it does not hold. */
import type { Effect } from "effect"
import type { Simulation } from "../run/Simulation.ts"

export interface Invariant {
  /** As tests and reports call it. */
  readonly name: string
  readonly sentence: string
  /** Sees to it that it hears of what it is about, before anything happens. */
  readonly watch?: (simulation: Simulation) => void
  /** Looks while the world stands still; details of what does not hold. */
  readonly check?: (simulation: Simulation) => Iterable<string>
  /** Seconds between two looks; a minute where it is not said. */
  readonly every?: number
  /** When users and faults have stopped and the network had time to heal; may ask nodes and let time pass. */
  readonly atRest?: (simulation: Simulation) => Effect.Effect<ReadonlyArray<string>>
}
