/**
 * Layers that stand one on the other, the lowest first: each is built with all before it in reach, and everything that
 * any of them offers is offered, the latest where two offer the same.
 *
 * As a chain of `Layer.provideMerge` does it, but they share one context, which fills as they are built: a chain copies
 * what stands below at every step, and for the fifty services of a node that was half of the objects that building made.
 * Effect asks that the map of a context stay as it is; this one only gains keys, and none that a fiber keeps a copy of.
 */
import { Context, Effect, Layer } from "effect"

/** What the layers need of elsewhere: whatever none before them offers. */
type Needs<Layers extends ReadonlyArray<Layer.Any>, Below = never> = Layers extends readonly [
  infer Lowest extends Layer.Any,
  ...infer Others extends ReadonlyArray<Layer.Any>
]
  ? Exclude<Layer.Services<Lowest>, Below> | Needs<Others, Below | Layer.Success<Lowest>>
  : never

export const stack = <const Layers extends ReadonlyArray<Layer.Any>>(...layers: Layers) => {
  type Offered = Layer.Success<Layers[number]>
  type Part = Layer.Layer<Offered, Layer.Error<Layers[number]>, Needs<Layers>>
  return Layer.fromBuildMemo((built, scope) =>
    Effect.gen(function* () {
      const offered = new Map<string, unknown>()
      let all = new Map((yield* Effect.context<Needs<Layers>>()).mapUnsafe)
      let below = Context.makeUnsafe<Needs<Layers>>(all)
      for (const layer of layers as ReadonlyArray<Layer.Any> as ReadonlyArray<Part>) {
        const building = Layer.buildWithMemoMap(layer, built, scope)
        const services = yield* Effect.updateContext(building, (_: Context.Context<Needs<Layers>>) => below)
        for (const [key, service] of services.mapUnsafe) {
          offered.set(key, service)
          if (all.get(key) === service) continue
          // What stands already goes on with what it was built on.
          if (all.has(key)) below = Context.makeUnsafe((all = new Map(all)))
          all.set(key, service)
        }
      }
      return Context.makeUnsafe<Offered>(offered)
    })
  )
}
