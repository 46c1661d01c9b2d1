import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { stack } from "#layers/node/stack"

class One extends Context.Service<One, { readonly name: string }>()("test/One") {}
class Two extends Context.Service<Two, { readonly name: string }>()("test/Two") {}
class Three extends Context.Service<Three, { readonly name: string }>()("test/Three") {}

const one = (name: string) => Layer.succeed(One, { name })
const two = Layer.effect(
  Two,
  Effect.map(One, (it) => ({ name: `two on ${it.name}` }))
)
const three = Layer.effect(
  Three,
  Effect.gen(function* () {
    return { name: `three on ${(yield* One).name} and ${(yield* Two).name}` }
  })
)

describe("stack", () => {
  it.effect("builds each with all before it in reach, and offers all", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(stack(one("one"), two, three))
      expect(Context.get(context, One).name).toBe("one")
      expect(Context.get(context, Three).name).toBe("three on one and two on one")
    })
  )

  it.effect("takes from around it what none before offers, and does not offer that", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(stack(two, three)).pipe(Effect.provideService(One, { name: "around" }))
      expect(Context.get(context, Two).name).toBe("two on around")
      expect(Context.getOption(context as Context.Context<never>, One)._tag).toBe("None")
    })
  )

  it.effect("offers the latest, and leaves what was built before with what it was built on", () =>
    Effect.gen(function* () {
      const asks = Layer.effect(
        Two,
        Effect.map(Effect.context<One>(), (context) => ({
          get name() {
            return Context.get(context, One).name
          }
        }))
      )
      const context = yield* Layer.build(stack(one("first"), asks, one("second"), three))
      expect(Context.get(context, One).name).toBe("second")
      expect(Context.get(context, Two).name).toBe("first")
      expect(Context.get(context, Three).name).toBe("three on second and first")
    })
  )

  it.effect("closes the highest first, and builds a layer that stands twice once", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const part = (name: string) =>
        Layer.effectDiscard(
          Effect.acquireRelease(
            Effect.sync(() => told.push(`opens ${name}`)),
            () => Effect.sync(() => told.push(`closes ${name}`))
          )
        )
      const [low, high] = [part("low"), part("high")]
      const scope = yield* Scope.make()
      yield* Layer.buildWithScope(stack(low, stack(low, high)), scope)
      yield* Scope.close(scope, Exit.void)
      expect(told).toStrictEqual(["opens low", "opens high", "closes high", "closes low"])
    })
  )

  it.effect("fails as the part that fails, and closes what was built", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const opens = Layer.effectDiscard(
        Effect.acquireRelease(Effect.void, () => Effect.sync(() => told.push("closed")))
      )
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(stack(opens, Layer.effect(One, Effect.fail("no")), two)))
      )
      expect(exit).toStrictEqual(Exit.fail("no"))
      expect(told).toStrictEqual(["closed"])
    })
  )
})
