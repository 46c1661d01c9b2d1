/** How a test spoils the links of a world. Each verb gives back what ends it; nodes go by number. */
import { Duration, Effect } from "effect"
import type { World } from "./World.ts"

type Numbers = ReadonlySet<number>

/** Added to what the links are. */
export interface Worse {
  readonly latency?: Duration.Input
  readonly loss?: number
  readonly duplication?: number
  readonly reordering?: number
}

/** Nothing passes between these groups; nodes in none of them form one more. */
export const partition = (world: World, groups: ReadonlyArray<Numbers>): Effect.Effect<void> => {
  const groupOf = new Map<number, number>()
  for (const [group, nodes] of groups.entries()) {
    for (const number of nodes) {
      if (groupOf.has(number)) throw new RangeError(`node ${number} is in two groups of one partition`)
      groupOf.set(number, group)
    }
  }
  const end = world.network.wire.cut({ passes: (from, to) => groupOf.get(from) === groupOf.get(to) })
  return noted(world, "a partition", end)
}

export const cut = (world: World, from: Numbers, to: Numbers): Effect.Effect<void> =>
  noted(world, "a cut", world.network.wire.cut({ passes: (one, other) => !(from.has(one) && to.has(other)) }))

/** `nodes` undefined: everybody's links. */
export const degrade = (
  world: World,
  nodes: Numbers | undefined,
  { duplication = 0, latency = 0, loss = 0, reordering = 0 }: Worse
): Effect.Effect<void> => {
  const more = Duration.toMillis(Duration.fromInputUnsafe(latency))
  const end = world.network.wire.degrade({ nodes, latency: more, loss, duplication, reordering })
  return noted(world, "a degradation", end)
}

const noted = ({ trace }: World, name: string, end: () => void): Effect.Effect<void> => {
  trace.note(`${name} begins`)
  return Effect.sync(() => {
    end()
    trace.note(`${name} ends`)
  })
}
