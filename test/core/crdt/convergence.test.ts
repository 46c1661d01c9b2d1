import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { Document } from "#core/crdt/Document"
import { hexOf } from "#schemas/bytes/bytes"
import { ACTIONS, authorOf, chance, deliver, edit, replay, shuffled, whatDiffers } from "./histories.ts"
import { NaiveTree } from "./NaiveTree.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const Step = (actions: number) =>
  Schema.Struct({ replica: below(4), action: below(actions), at: below(40), count: below(12), more: below(30) })
const stepsOf = (actions: number) => Arbitrary.array(Arbitrary.schema(Step(actions)), { minLength: 1, maxLength: 80 })

describe("documents", () => {
  it.prop(
    "are equal, byte by byte, once they have the same batches, however those came",
    [stepsOf(ACTIONS), below(1e6)],
    ([steps, seed]) => assert.isUndefined(whatDiffers(2 + (seed % 3), steps, chance(seed))),
    { arbitrary: { runs: 200 } }
  )

  it("converge in histories by lot, which are longer", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = chance(seed)
      const steps = Array.from({ length: 60 }, () => ({
        replica: random(4),
        action: random(ACTIONS),
        at: random(40),
        count: random(12),
        more: random(30)
      }))
      assert.isUndefined(whatDiffers(2 + random(3), steps, random), `seed ${seed}`)
    }
  })

  it.prop(
    "order their text as a tree of single characters does that knows no spans",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Struct({ ...Step(7).fields, action: below(7) })), { maxLength: 120 }),
      below(1e6)
    ],
    ([steps, seed]) => {
      // 0–4 edit text, 5 and 6 bring batches over.
      const text = steps.map((step) => ({ ...step, more: 0, action: step.action < 5 ? step.action : 15 }))
      const { docs, batches } = replay(3, text)
      const tree = new NaiveTree()
      const ordered = new Document(authorOf(9))
      const taken: typeof batches = []
      for (let waiting = shuffled(batches, chance(seed)); waiting.length > 0; ) {
        waiting = waiting.filter((batch) => {
          if (Result.isFailure(ordered.apply(batch))) return true
          taken.push(batch)
          return false
        })
      }
      for (const batch of taken) tree.apply(batch)
      for (const doc of docs) {
        deliver(doc, batches)
        assert.strictEqual(doc.text("t").toString(), tree.toString())
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it("go on with their author's sequence after they were loaded, again and again", () => {
    const random = chance(3)
    const other = new Document(authorOf(1))
    let own = new Document(authorOf(0))
    for (let round = 0; round < 60; round++) {
      own = Result.getOrThrow(Document.load(own.snapshot(), authorOf(0)))
      const step = { replica: 0, action: random(15), at: random(40), count: random(12), more: random(30) }
      const mine = own.transact(() => edit(own, step))
      const others = other.transact(() => edit(other, { ...step, at: random(40), more: random(30) }))
      deliver(other, mine)
      deliver(own, others)
      assert.deepStrictEqual(own.heads(), other.heads())
      assert.strictEqual(hexOf(own.snapshot()), hexOf(other.snapshot()))
    }
  })
})
