import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { ENTRY_BYTES, Shelf } from "#core/dht/Shelf"

const Command = Schema.Struct({
  _tag: Schema.Literals(["put", "remove", "look"]),
  kind: Schema.Literals([0, 1]),
  key: Schema.Literals([1, 2, 3]),
  member: Schema.Literals([0, 1, 2]),
  size: Schema.Literals([0, 100, 700, 5_000])
})

const LIMIT = 3 * ENTRY_BYTES + 1_000
const keyOf = (n: number) => new Uint8Array(32).fill(n)
const memberOf = (n: number) => new Uint8Array(n).fill(n)
const entry = ({ key, kind, member, size }: Omit<typeof Command.Type, "_tag">) => ({
  kind,
  key: keyOf(key),
  member: memberOf(member),
  bytes: new Uint8Array(size)
})
const sizes = (list: ReadonlyArray<{ readonly bytes: Uint8Array }>) =>
  list.reduce((sum, { bytes }) => sum + bytes.length + ENTRY_BYTES, 0)

type Entry = ReturnType<typeof entry>
const same = (a: Entry, b: Pick<Entry, "kind" | "key">) => a.kind === b.kind && a.key[0] === b.key[0]

describe("Shelf", () => {
  it.effect.prop(
    "holds what a list does from which the least recently used leaves, and never more than its limit",
    [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 40 })],
    ([commands]) =>
      Effect.sync(() => {
        const shelf = new Shelf<Entry>(LIMIT)
        /** The least recently used first. */
        let model: ReadonlyArray<Entry> = []
        for (const command of commands) {
          const it = entry(command)
          const others = model.filter((held) => !(same(held, it) && held.member.length === it.member.length))
          if (command._tag === "put") {
            shelf.put(it)
            model = sizes([it]) > LIMIT ? others : [...others, it]
            while (sizes(model) > LIMIT) model = model.slice(1)
          } else if (command._tag === "remove") {
            shelf.remove(it.kind, it.key, it.member)
            model = others
          } else {
            const looked = shelf.under(it.kind, it.key)
            const expected = model.filter((held) => same(held, it))
            assert.deepStrictEqual(new Set(looked), new Set(expected))
            model = [...model.filter((held) => !same(held, it)), ...looked]
          }
          assert.deepStrictEqual([shelf.size, shelf.bytes], [model.length, sizes(model)])
          assert.isAtMost(shelf.bytes, LIMIT)
        }
      }),
    { arbitrary: { runs: 200 } }
  )

  it("keeps nothing that is larger than itself, nor lets others go for it", () => {
    const shelf = new Shelf<Entry>(LIMIT)
    shelf.put(entry({ kind: 0, key: 1, member: 0, size: 100 }))
    shelf.put(entry({ kind: 0, key: 2, member: 0, size: 5_000 }))
    assert.deepStrictEqual([shelf.size, shelf.under(0, keyOf(2)).length], [1, 0])
  })
})
