import { assert, describe, it } from "@effect/vitest"
import { Dice } from "#simulator/Dice"

const draws = (dice: Dice, count: number) => Array.from({ length: count }, () => dice.next())
const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, it) => sum + it, 0) / numbers.length
const variance = (numbers: ReadonlyArray<number>) => {
  const middle = mean(numbers)
  return mean(numbers.map((it) => (it - middle) ** 2))
}

describe("Dice", () => {
  it("fall the same way from the same seed, and another way from its neighbour", () => {
    assert.deepStrictEqual(draws(new Dice(7), 50), draws(new Dice(7), 50))
    assert.deepStrictEqual(draws(new Dice("7"), 50), draws(new Dice(7), 50))
    assert.notDeepEqual(draws(new Dice(7), 5), draws(new Dice(8), 5))
  })

  it("give numbers from 0 to below 1 that favour none of a hundred drawers", () => {
    const drawers = new Array<number>(100).fill(0)
    const all = draws(new Dice("uniform"), 100_000)
    assert.isTrue(all.every((it) => it >= 0 && it < 1))
    for (const it of all) drawers[Math.floor(it * 100)]!++
    // Chi-square with 99 degrees of freedom: beyond 149 once in a thousand.
    assert.isBelow(
      drawers.reduce((sum, it) => sum + (it - 1_000) ** 2 / 1_000, 0),
      149
    )
  })

  it("give exponential and normal numbers of the mean and deviation that they are asked for", () => {
    const dice = new Dice("shapes")
    const exponential = Array.from({ length: 50_000 }, () => dice.exponential(30))
    assert.closeTo(mean(exponential), 30, 0.6)
    assert.closeTo(Math.sqrt(variance(exponential)), 30, 1)
    const normal = Array.from({ length: 50_000 }, () => dice.normal())
    assert.closeTo(mean(normal), 0, 0.02)
    assert.closeTo(variance(normal), 1, 0.03)
  })

  it("are fair about chances, and never draw for one that cannot be", () => {
    const dice = new Dice(1)
    assert.closeTo(mean(Array.from({ length: 50_000 }, () => (dice.chance(0.03) ? 1 : 0))), 0.03, 0.003)
    const [one, other] = [new Dice(2), new Dice(2)]
    assert.isFalse(one.chance(0))
    assert.strictEqual(one.next(), other.next())
  })

  it("shuffle without losing anything, into every order, and pick everybody", () => {
    const dice = new Dice(3)
    const orders = new Set(Array.from({ length: 500 }, () => dice.shuffle([1, 2, 3]).join("")))
    assert.deepStrictEqual([...orders].sort(), ["123", "132", "213", "231", "312", "321"])
    assert.deepStrictEqual(new Set(Array.from({ length: 100 }, () => dice.pick([1, 2, 3]))), new Set([1, 2, 3]))
    assert.throws(() => dice.pick([]), RangeError)
  })

  it("fork into dice that know nothing of each other or of what was drawn before", () => {
    const drawn = new Dice(4)
    draws(drawn, 10)
    assert.deepStrictEqual(draws(drawn.fork("a"), 20), draws(new Dice(4).fork("a"), 20))
    const [a, b] = [draws(new Dice(4).fork("a"), 5_000), draws(new Dice(4).fork("b"), 5_000)]
    const together = mean(a.map((it, at) => (it - 0.5) * ((b[at] ?? 0) - 0.5))) * 12
    assert.closeTo(together, 0, 0.05)
  })
})
