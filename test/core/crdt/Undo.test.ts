import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { Document } from "#core/crdt/Document"
import { authorOf, chance, deliver, edit } from "./histories.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const Step = Schema.Struct({ replica: below(1), action: below(15), at: below(20), count: below(8), more: below(30) })
const Steps = Arbitrary.array(Arbitrary.schema(Step), { minLength: 10, maxLength: 40 })

const json = (doc: Document) => JSON.stringify(doc.toJSON())

/** Two documents that hear of each other at once. */
const pair = () => {
  const [one, two] = [new Document(authorOf(0)), new Document(authorOf(1))]
  one.onBatch((batch) => two.apply(batch))
  two.onBatch((batch) => one.apply(batch))
  return [one, two] as const
}

describe("Undo", () => {
  it.prop(
    "leads back through everything there was, and forth again",
    [Steps],
    ([steps]) => {
      const doc = new Document(authorOf(0))
      // Roots that exist from the beginning, so that one that was begun does not count as a difference.
      for (const action of [0, 5, 8, 13]) edit(doc, { replica: 0, action, at: 0, count: 1, more: 0 })
      const undo = doc.undo()
      const seen = [json(doc)]
      for (const step of steps) {
        doc.transact(() => edit(doc, step))
        if (json(doc) !== seen.at(-1)) seen.push(json(doc))
      }
      const back = [json(doc)]
      while (undo.undo()) if (json(doc) !== back[0]) back.unshift(json(doc))
      assert.deepStrictEqual(back, seen)
      const forth = [json(doc)]
      while (undo.redo()) if (json(doc) !== forth.at(-1)) forth.push(json(doc))
      assert.deepStrictEqual(forth, seen)
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop("never takes back what others wrote, and others see the same", [Steps, below(1e6)], ([steps, seed]) => {
    const random = chance(seed)
    const [one, two] = pair()
    const undo = one.undo()
    for (const step of steps) {
      edit(one, step)
      const text = two.text("t")
      text.insert(random(text.length + 1), "Z")
      if (random(3) === 0) undo.undo()
      if (random(4) === 0) undo.redo()
    }
    const written = (text: string) => text.split("Z").length
    assert.strictEqual(json(one), json(two))
    const before = written(one.text("t").toString())
    while (undo.undo());
    assert.isAtLeast(written(one.text("t").toString()), before)
    assert.strictEqual(json(one), json(two))
    assert.deepStrictEqual(one.snapshot(), two.snapshot())
  })

  it("finds what was typed, deleted and brought back", () => {
    const [doc, other] = pair()
    const undo = doc.undo()
    const text = doc.text("t")
    text.insert(0, "abc")
    text.delete(2, 1)
    text.delete(1, 1)
    assert.deepStrictEqual([undo.undo(), `${text}`, undo.undo(), `${text}`], [true, "ab", true, "abc"])
    assert.deepStrictEqual([undo.undo(), `${text}`, undo.undo(), undo.canRedo], [true, "", false, true])
    undo.redo()
    other.text("t").insert(1, "X")
    assert.strictEqual(`${text}`, "aXbc")
    undo.undo()
    assert.strictEqual(`${text}`, "X")
  })

  it("leaves a key that somebody else has set, and gives back containers with what was in them", () => {
    const [doc, other] = pair()
    const undo = doc.undo()
    const map = doc.map("m")
    map.set("k", 1)
    other.map("m").set("k", 2)
    assert.isFalse(undo.undo())
    assert.strictEqual(map.get("k"), 2)
    map.set("inner", { list: [1, { deep: true }], name: "x" })
    map.setText("text").insert(0, "written")
    const before = json(doc)
    map.delete("inner")
    map.delete("text")
    undo.undo()
    undo.undo()
    assert.strictEqual(json(doc), before)
    undo.undo()
    undo.undo()
    assert.deepStrictEqual(map.keys(), ["inner", "k"])
  })

  it("forgets the redo when something else is edited, and the oldest step above its limit", () => {
    const doc = new Document(authorOf(0))
    const undo = doc.undo(3)
    const text = doc.text("t")
    for (const letter of "abcde") text.insert(text.length, letter)
    undo.undo()
    assert.isTrue(undo.canRedo)
    text.insert(0, "x")
    assert.isFalse(undo.canRedo)
    while (undo.undo());
    assert.strictEqual(`${text}`, "ab")
    undo.stop()
    text.insert(0, "y")
    assert.isFalse(undo.canUndo)
    const late = new Document(authorOf(4))
    deliver(
      late,
      doc.transact(() => {})
    )
  })
})
