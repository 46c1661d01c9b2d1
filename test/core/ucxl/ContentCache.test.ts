import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { ContentCache } from "#core/ucxl/ContentCache"

const LIMITS = { items: 4, bytes: 100, time: 10 }

const key = Schema.Literals(["a", "b", "c", "d", "e", "f"])
const Command = Schema.Union([
  Schema.Struct({
    do: Schema.Literal("put"),
    key,
    bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
  }),
  Schema.Struct({ do: Schema.Literal("get"), key }),
  Schema.Struct({ do: Schema.Literal("delete"), key }),
  Schema.Struct({ do: Schema.Literal("wait"), millis: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })) }),
  Schema.Struct({ do: Schema.Literals(["sweep", "clear"]) })
])

/** The same as a list, the one used last at its end; slow, and plain to see. */
class Naive {
  held: ReadonlyArray<{ readonly key: string; readonly value: number; readonly bytes: number; readonly at: number }> =
    []

  without(key: string) {
    this.held = this.held.filter((it) => it.key !== key)
  }

  put(key: string, value: number, bytes: number, at: number) {
    this.without(key)
    if (bytes > 25) return
    this.held = [...this.held, { key, value, bytes, at }]
    while (this.held.length > 4 || this.bytes() > 100) this.held = this.held.slice(1)
  }

  get(key: string, now: number) {
    const found = this.held.find((it) => it.key === key)
    this.without(key)
    if (found === undefined || now - found.at >= 10) return undefined
    this.held = [...this.held, found]
    return found.value
  }

  bytes() {
    return this.held.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

describe("ContentCache", () => {
  it.effect.prop(
    "does what a plain list would, whatever is done to it",
    [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 60 })],
    ([commands]) =>
      Effect.sync(() => {
        const [cache, naive] = [new ContentCache<number>(LIMITS), new Naive()]
        let now = 0
        for (const [index, command] of commands.entries()) {
          if (command.do === "put") {
            cache.put(command.key, index, command.bytes, now)
            naive.put(command.key, index, command.bytes, now)
          } else if (command.do === "get") {
            assert.strictEqual(cache.get(command.key, now), naive.get(command.key, now))
          } else if (command.do === "delete") {
            assert.strictEqual(
              cache.delete(command.key),
              naive.held.some(({ key }) => key === command.key)
            )
            naive.without(command.key)
          } else if (command.do === "wait") {
            now += command.millis
          } else if (command.do === "clear") {
            cache.clear()
            naive.held = []
          } else {
            const before = naive.held.length
            naive.held = naive.held.filter(({ at }) => now - at < 10)
            assert.strictEqual(cache.sweep(now), before - naive.held.length)
          }
          assert.deepStrictEqual([cache.size, cache.bytes], [naive.held.length, naive.bytes()])
        }
      }),
    { arbitrary: { runs: 300 } }
  )

  it("looks without using, and holds nothing where it may hold no item", () => {
    const cache = new ContentCache<number>({ ...LIMITS, items: 2 })
    cache.put("a", 1, 1, 0)
    cache.put("b", 2, 1, 0)
    assert.strictEqual(cache.peek("a"), 1)
    cache.put("c", 3, 1, 0)
    assert.isUndefined(cache.peek("a"))
    const none = new ContentCache<number>({ ...LIMITS, items: 0 })
    none.put("a", 1, 1, 0)
    assert.strictEqual(none.size, 0)
  })
})
