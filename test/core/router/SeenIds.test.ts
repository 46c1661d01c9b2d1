import { assert, describe, it } from "@effect/vitest"
import { SeenIds } from "#core/router/SeenIds"

describe("SeenIds", () => {
  it("remembers an id for its lifetime and no longer", () => {
    const seen = new SeenIds(10, 100)
    seen.add("a", 0)
    assert.isTrue(seen.has("a", 99))
    assert.isFalse(seen.has("a", 100))
  })

  it("never holds more than its limit, and lets the oldest go", () => {
    const seen = new SeenIds(3, 100)
    for (const id of ["a", "b", "c", "d"]) seen.add(id, 0)
    assert.strictEqual(seen.size, 3)
    assert.deepStrictEqual(
      ["a", "b", "c", "d"].map((id) => seen.has(id, 1)),
      [false, true, true, true]
    )
  })

  it("frees what has expired before it pushes anything out", () => {
    const seen = new SeenIds(3, 100)
    seen.add("old", 0)
    seen.add("new", 90)
    seen.add("newer", 150)
    assert.strictEqual(seen.size, 2)
    assert.isTrue(seen.has("new", 150))
  })

  it("remembers after a restart what it did before, for as long, and within its limit", () => {
    const before = new SeenIds(3, 100)
    for (const [id, at] of [
      ["a", 0],
      ["b", 40],
      ["c", 60]
    ] as const)
      before.add(id, at)
    const after = new SeenIds(2, 100)
    after.restore([...before.entries(), ["from the future", 500]], 110)
    assert.deepStrictEqual(
      [...after.entries()],
      [
        ["b", 140],
        ["c", 160]
      ]
    )
    assert.isTrue(after.has("b", 139))
    assert.isFalse(after.has("b", 140))
    after.restore([["d", 170]], 110)
    assert.deepStrictEqual(
      [...after.entries()].map(([id]) => id),
      ["c", "d"]
    )
  })
})
