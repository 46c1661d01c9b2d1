/** Starts the nodes of a plan one after the other, and waits until they have found each other. */
import { Effect } from "effect"
import type { Simulation } from "./Simulation.ts"

/** Milliseconds between the starts of the first nodes, and of all others. */
const FIRST_APART = 2_000
const APART = 100
const FIRST = 8
/** Milliseconds until whoever has not joined is left to itself. */
const PATIENCE = 600_000
const LOOK_EVERY = 1_000
/** Then their tables fill and their doubts are settled. */
const SETTLES = 60_000

export const bringUp = Effect.fnUntraced(function* (
  { plan, world }: Simulation,
  onSlice?: Effect.Effect<void>,
  settles = SETTLES
) {
  const pass = (milliseconds: number) => world.drive(() => false, world.time.now + milliseconds, onSlice)
  for (let number = 0; number < plan.nodes; number++) {
    world.start(world.addNode())
    yield* pass(number < FIRST ? FIRST_APART : APART)
    // Each of these passes is shorter than a slice.
    if (onSlice !== undefined) yield* onSlice
  }
  const deadline = world.time.now + PATIENCE
  while (world.time.now < deadline && !world.nodes.every((node) => world.isJoined(node))) yield* pass(LOOK_EVERY)
  yield* pass(settles)
})
