/** The bounded collections of one node, told by its layers while they are built. */
import { Effect, Layer } from "effect"
import { type Bounded, Bounds } from "#services/node/Bounds"

export const make = Effect.sync(() => {
  const all = new Set<Bounded>()
  return Bounds.of({
    watch: (name, limit, size) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const bounded = { name, limit, size }
            all.add(bounded)
            return bounded
          }),
          (bounded) => Effect.sync(() => all.delete(bounded))
        )
      ),
    list: () => [...all]
  })
})

export const layer = Layer.effect(Bounds, make)
