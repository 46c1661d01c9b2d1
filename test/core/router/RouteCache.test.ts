import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { RouteCache } from "#core/router/RouteCache"

const LIMIT = 3

const Recipient = Schema.Literals(["a", "b", "c", "d", "e"])
const Command = Schema.Union([
  Schema.Struct({ _tag: Schema.Literals(["set", "set", "find", "drop"]), recipient: Recipient }),
  Schema.Struct({ _tag: Schema.Literal("bad"), recipient: Recipient })
])

describe("RouteCache", () => {
  it.prop(
    "agrees with a naive list: the most recently used are kept, and nothing that is no good",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 5, maxLength: 40 })],
    ([commands]) => {
      const cache = new RouteCache<{ readonly n: number }>(LIMIT)
      let model: ReadonlyArray<readonly [string, { readonly n: number }]> = []
      const others = (recipient: string) => model.filter(([it]) => it !== recipient)
      for (const [n, { _tag, recipient }] of commands.entries()) {
        const known = model.find(([it]) => it === recipient)
        if (_tag === "set") {
          const route = { n }
          cache.set(recipient, route)
          model = [...others(recipient), [recipient, route] as const].slice(-LIMIT)
        } else if (_tag === "drop") {
          if (known !== undefined) cache.drop(known[1])
          model = others(recipient)
        } else {
          const isGood = _tag === "find"
          assert.strictEqual(
            cache.find(recipient, () => isGood),
            isGood ? known?.[1] : undefined
          )
          model = isGood && known !== undefined ? [...others(recipient), known] : others(recipient)
        }
        assert.strictEqual(cache.size, model.length)
      }
      for (const [recipient, route] of model)
        assert.strictEqual(
          cache.find(recipient, () => true),
          route
        )
    },
    { arbitrary: { runs: 200 } }
  )
})
