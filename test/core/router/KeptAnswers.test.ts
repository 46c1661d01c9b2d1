import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { KeptAnswers } from "#core/router/KeptAnswers"

const LIMIT = 4
const BYTES = 20
const LIFETIME = 10

const Command = Schema.Struct({
  id: Schema.Literals(["a", "b", "c", "d", "e", "f"]),
  bytes: Schema.Literals([0, 1, 8, 20, 21]),
  wait: Schema.Literals([0, 1, 4])
})

describe("KeptAnswers", () => {
  it.prop(
    "agrees with a list that is searched from its end",
    [Arbitrary.array(Arbitrary.schema(Command), { maxLength: 30 })],
    ([commands]) => {
      const kept = new KeptAnswers<number>(LIMIT, BYTES, LIFETIME)
      let model: Array<{ id: string; bytes: number; until: number; answer: number }> = []
      let now = 0
      for (const [answer, { bytes, id, wait }] of commands.entries()) {
        now += wait
        kept.keep(id, answer, bytes, now)
        model = model.filter((it) => it.id !== id)
        if (bytes <= BYTES) {
          model.push({ id, bytes, until: now + LIFETIME, answer })
          const sum = () => model.reduce((total, it) => total + it.bytes, 0)
          while (model[0] !== undefined && (model[0].until <= now || model.length > LIMIT || sum() > BYTES))
            model.shift()
        }
        for (const name of ["a", "b", "c", "d", "e", "f"]) {
          const found = model.find((it) => it.id === name && it.until > now)
          assert.strictEqual(kept.get(name, now), found?.answer)
        }
        assert.strictEqual(
          kept.bytes,
          model.reduce((total, it) => total + it.bytes, 0)
        )
        assert.isAtMost(kept.size, LIMIT)
      }
      kept.expire(now + LIFETIME)
      assert.deepStrictEqual([kept.size, kept.bytes], [0, 0])
    }
  )
})
