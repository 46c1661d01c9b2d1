import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isAnswered, termsOf, WORD_LIMIT, wordsOf } from "#core/ucxl/words"

describe("words", () => {
  it("are runs of letters and digits of any script, each once, whatever their case", () => {
    assert.deepStrictEqual(
      [...wordsOf("The fox, the Fox—and the FOX_2: größe ΑΒΓ 東京")],
      [..."the fox and 2 größe αβγ 東京".split(" ")]
    )
    assert.deepStrictEqual([...wordsOf("⑴ ﬁne ２６ हिन्दी")], ["1", "fine", "26", "हिन्दी"])
    assert.deepStrictEqual([...wordsOf("")], [])
  })

  it("are asked for whole, or by their beginning where a star stands behind", () => {
    assert.deepStrictEqual(termsOf('fox* "AND" -fox fox*'), [
      { word: "fox", beginning: true },
      { word: "and", beginning: false },
      { word: "fox", beginning: false }
    ])
    assert.deepStrictEqual(termsOf("* \" ( ^ : { } + ~ '"), [])
  })

  it("count for their first letters only where they are very long, in texts and in questions", () => {
    const long = "é".repeat(WORD_LIMIT + 9)
    assert.isTrue(isAnswered(termsOf(long), wordsOf(`${long}x`)))
    const pairs = `a${"𝒜".repeat(WORD_LIMIT)}`.normalize("NFKC")
    for (const word of wordsOf(`${pairs} 𐐀${"𐐀".repeat(WORD_LIMIT)}`)) assert.isTrue(word.isWellFormed())
  })

  it.prop("of a text answer every one of them, and none that is not there", [Schema.String], ([text]) => {
    const words = wordsOf(text)
    for (const word of words) assert.isTrue(isAnswered(termsOf(word), words), word)
    assert.isFalse(isAnswered(termsOf("porcupine"), words))
    assert.isFalse(isAnswered([], words))
  })
})
