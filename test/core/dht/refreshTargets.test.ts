import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { commonPrefixLength } from "#core/dht/distance"
import { refreshTargets } from "#core/dht/refreshTargets"

const idOf = (n: number): Uint8Array => new Uint8Array(createHash("sha256").update(String(n)).digest())
const own = idOf(0)

describe("refreshTargets", () => {
  it("names an id in every empty bucket that is farther than the closest contact", () => {
    const ids = Array.from({ length: 2_000 }, (_, n) => idOf(n + 1))
    const of = (index: number, count: number) =>
      ids.filter((id) => commonPrefixLength(own, id) === index).slice(0, count)
    let drawn = 0
    const targets = refreshTargets(own, [...of(1, 3), ...of(4, 1), ...of(5, 2)], () => idOf(--drawn))
    assert.deepStrictEqual(
      targets.map((target) => commonPrefixLength(own, target)),
      [0, 2, 3]
    )
  })

  it("reaches every bit of an id, and asks nothing where nobody is known", () => {
    assert.deepStrictEqual(
      refreshTargets(own, [], (count) => new Uint8Array(count)),
      []
    )
    const close = own.slice()
    close[31] = (close[31] ?? 0) ^ 1
    for (const fill of [0, 255]) {
      const targets = refreshTargets(own, [close], (count) => new Uint8Array(count).fill(fill))
      assert.deepStrictEqual(
        targets.map((target) => commonPrefixLength(own, target)),
        Array.from({ length: 255 }, (_, index) => index)
      )
    }
  })
})
