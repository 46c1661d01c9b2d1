/** The bounded collections of one node, told by its layers while they are built. */
import { Effect, Layer, Scope } from "effect"
import { type Bounded, Bounds } from "#services/node/Bounds"

export const make = Effect.sync(() => {
  /** A node has more than a hundred: one finalizer for all of a scope. */
  const all = new Map<Scope.Scope, Array<Bounded>>()
  /** Of all scopes; undefined when it has to be put together anew. */
  let list: ReadonlyArray<Bounded> | undefined
  const among = (scope: Scope.Scope): Effect.Effect<Array<Bounded>> => {
    const known = all.get(scope)
    if (known !== undefined) return Effect.succeed(known)
    const bounded: Array<Bounded> = []
    all.set(scope, bounded)
    const forget = Effect.sync(() => {
      all.delete(scope)
      list = undefined
    })
    return Effect.as(Scope.addFinalizer(scope, forget), bounded)
  }
  return Bounds.of({
    watch: (name, limit, size) =>
      Effect.flatMap(Effect.scope, (scope) =>
        Effect.map(among(scope), (bounded) => {
          bounded.push({ name, limit, size })
          list = undefined
        })
      ),
    list: () => (list ??= [...all.values()].flat())
  })
})

export const layer = Layer.effect(Bounds, make)
