import { assert, describe, it } from "@effect/vitest"
import { EphemeralKeys } from "#core/onion/EphemeralKeys"
import { KEY_LIFETIME, OnionKeys, PREVIOUS_LIFETIME } from "#core/onion/OnionKeys"
import { hexOf } from "#schemas/bytes/bytes"
import { makeWorld, suite } from "./fixtures.ts"

describe("OnionKeys", () => {
  it("tries the key before the present one for two hours", () => {
    const [a, b, c] = makeWorld("rotation").keys(3)
    const keys = new OnionKeys(a!, 1_000)
    assert.deepStrictEqual(keys.usable(1_000), [a!])
    assert.deepStrictEqual([KEY_LIFETIME, PREVIOUS_LIFETIME], [86_400, 7_200])
    const rotated = 1_000 + KEY_LIFETIME
    keys.rotate(b!, rotated)
    assert.strictEqual(keys.current, b!)
    assert.deepStrictEqual(keys.usable(rotated + PREVIOUS_LIFETIME - 1), [b!, a!])
    assert.deepStrictEqual(keys.usable(rotated + PREVIOUS_LIFETIME), [b!])
    assert.deepStrictEqual(keys.usable(rotated), [b!], "what is forgotten stays so")
    keys.rotate(c!, rotated + KEY_LIFETIME)
    assert.deepStrictEqual(keys.usable(rotated + KEY_LIFETIME), [c!, b!])
  })
})

describe("EphemeralKeys", () => {
  const pool = (seed: string, limit: number, onTake?: () => void) => {
    const drawn: Array<Uint8Array> = []
    const { draw } = makeWorld(seed)
    const remembering = (count: number) => {
      const bytes = draw(count)
      drawn.push(bytes)
      return bytes
    }
    return { drawn, keys: new EphemeralKeys(suite, remembering, limit, onTake) }
  }

  it("makes no more ahead than it may, and only as many as it is told", () => {
    const { keys } = pool("ahead", 10)
    assert.strictEqual(keys.fill(4), 4)
    assert.strictEqual(keys.size, 4)
    assert.strictEqual(keys.fill(100), 6)
    assert.strictEqual(keys.fill(1), 0)
    assert.strictEqual(keys.fill(-1), 0)
    assert.strictEqual(keys.size, 10)
  })

  it("hands each out once, makes what is missing, and keeps no secret bytes", () => {
    const { drawn, keys } = pool("once", 8)
    keys.fill(8)
    const taken = [keys.take(4), keys.take(3), keys.take(5), keys.take(0)].map((it) =>
      it.map((key) => hexOf(key.publicKey))
    )
    assert.deepStrictEqual(
      taken.map((it) => it.length),
      [4, 3, 5, 0]
    )
    assert.strictEqual(new Set(taken.flat()).size, 12)
    assert.strictEqual(keys.size, 0)
    assert.lengthOf(drawn, 12)
    for (const bytes of drawn) assert.isTrue(bytes.every((byte) => byte === 0))
  })

  it("wants as many ready as were ever taken, and says when some were", () => {
    let said = 0
    const { keys } = pool("wanted", 10, () => said++)
    assert.deepStrictEqual([keys.wanted, said], [0, 0])
    keys.take(4)
    assert.deepStrictEqual([keys.wanted, said], [4, 1])
    keys.fill(keys.wanted)
    assert.deepStrictEqual([keys.size, keys.wanted, said], [4, 0, 1])
    keys.take(3)
    assert.strictEqual(keys.wanted, 6)
    keys.take(20)
    assert.deepStrictEqual([keys.wanted, said], [10, 3])
    keys.fill(8)
    assert.strictEqual(keys.wanted, 2)
  })

  it("hands out keys that work", () => {
    const { keys } = pool("work", 2)
    const [one, other] = keys.take(2)
    assert.deepStrictEqual([...one!.agree(other!.publicKey)!], [...other!.agree(one!.publicKey)!])
  })
})
