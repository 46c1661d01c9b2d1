import { assert, describe, it } from "@effect/vitest"
import { concatBytes } from "#schemas/bytes/bytes"
import { MARKER } from "#simulator/run/marker"
import { Post } from "#simulator/run/Post"

const LETTERS = 20_000

const written = (post: Post, to: number, text = 7) => {
  const bytes = concatBytes([post.head(), Uint8Array.of(text, text)])
  return post.sends({ from: 1, to, bytes, at: 0 })
}

describe("Post", () => {
  it("knows a letter by its bytes, for the node that it was sent to", () => {
    const post = new Post()
    const [one, other] = [written(post, 2), written(post, 3)]
    assert.strictEqual(post.find(2, one.bytes.slice()), one)
    assert.strictEqual(post.find(3, other.bytes), other)
    assert.isUndefined(post.find(3, one.bytes))
  })

  it("takes nothing for a letter that differs from one in a byte, or is none", () => {
    const post = new Post()
    const { bytes } = written(post, 2)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 1
      assert.isUndefined(post.find(2, changed), String(at))
      assert.isUndefined(post.find(2, bytes.subarray(0, at)), String(at))
    }
    assert.isUndefined(post.find(2, concatBytes([bytes, Uint8Array.of(0)])))
  })

  it("marks every letter, so that a wire can be searched for it", () => {
    assert.deepStrictEqual(new Post().head().subarray(0, MARKER.length), MARKER)
  })

  it("forgets the oldest letter when there are too many", () => {
    const post = new Post()
    const letters = Array.from({ length: LETTERS + 1 }, () => written(post, 2))
    assert.isUndefined(post.find(2, letters[0]!.bytes))
    assert.strictEqual(post.find(2, letters[1]!.bytes), letters[1])
    assert.strictEqual(post.letters.length, LETTERS)
  })
})
