/** In a network of thousands an invariant looks at some nodes each time, and at all of them in a few minutes. */
import type { Simulation } from "../run/Simulation.ts"

/** Nodes at each look of an invariant that asks each for much. */
export const LOOKED_AT = 250

/** `most` of all, others at each look that comes `every` so many seconds: one row of them after the other. */
export const inTurn = <A>(
  all: ReadonlyArray<A>,
  { world }: Simulation,
  every: number,
  most = LOOKED_AT
): ReadonlyArray<A> => {
  if (all.length <= most) return all
  const look = Math.floor(world.time.now / 1000 / every)
  const from = (look * most) % all.length
  return [...all.slice(from, from + most), ...all.slice(0, Math.max(0, from + most - all.length))]
}
