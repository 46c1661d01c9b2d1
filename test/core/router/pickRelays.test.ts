import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { clash, inLots, type Placed, pickRelays } from "#core/router/pickRelays"
import { chanceOf } from "./relays.ts"

interface Drawn extends Placed {
  readonly weight: number
  readonly isSuspect: boolean
  readonly isGuard: boolean
}

const Net = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }))
const Drawable = Schema.Struct({
  networks: Schema.Array(Net).check(Schema.isBetweenLength(0, 3)),
  weight: Schema.Literals([0.1, 1, 16]),
  isSuspect: Schema.Boolean,
  isGuard: Schema.Boolean
})

const choice = (relays: ReadonlyArray<Drawn>, count: number, seed: number) => ({
  firsts: relays.filter(({ isGuard }) => isGuard),
  others: relays,
  count,
  weight: ({ weight }: Drawn) => weight,
  isSuspect: ({ isSuspect }: Drawn) => isSuspect,
  isSpared: ({ isGuard }: Drawn) => isGuard,
  chance: chanceOf(seed)
})

/** Whether there is such a path at all, found by trying every one. */
const exists = (firsts: ReadonlyArray<Drawn>, others: ReadonlyArray<Drawn>, count: number): boolean => {
  const goesOn = (chosen: ReadonlyArray<Drawn>): boolean =>
    chosen.length === count || others.some((it) => !chosen.some((other) => clash(it, other)) && goesOn([...chosen, it]))
  return firsts.some((it) => goesOn([it]))
}

describe("pickRelays", () => {
  it.prop(
    "finds a path of different networks that begins with a guard whenever there is one, with suspects and more guards only where needed",
    [
      Arbitrary.array(Arbitrary.schema(Drawable), { maxLength: 9 }),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_999 }))
    ],
    ([drawn, count, seed]) => {
      const relays = drawn.map((it, n): Drawn => ({ ...it, key: `${n}`, networks: it.networks.map(String) }))
      const picked = pickRelays(choice(relays, count, seed))
      const guards = relays.filter(({ isGuard }) => isGuard)
      assert.strictEqual(picked !== undefined, exists(guards, relays, count))
      if (picked === undefined) return
      assert.strictEqual(picked.length, count)
      assert.isTrue(picked[0]!.isGuard)
      const networks = picked.flatMap((it) => [...new Set(it.networks)])
      assert.strictEqual(new Set(networks).size, networks.length)
      assert.strictEqual(new Set(picked.map(({ key }) => key)).size, count)
      const trusted = guards.filter(({ isSuspect }) => !isSuspect)
      const best = relays.filter(({ isGuard, isSuspect }) => !isSuspect && !isGuard)
      if (!exists(trusted, best, count)) return
      assert.isFalse(picked.some(({ isSuspect }) => isSuspect))
      assert.strictEqual(picked.filter(({ isGuard }) => isGuard).length, 1)
    },
    { arbitrary: { runs: 300 } }
  )

  it("chooses by weight", () => {
    const chance = chanceOf(7)
    const first = new Map<number, number>()
    for (let run = 0; run < 9_000; run++) {
      const [weight] = inLots([1, 2, 6], { chance, weight: (it) => it })
      first.set(weight!, (first.get(weight!) ?? 0) + 1)
    }
    for (const [weight, count] of first) assert.approximately(count, weight * 1_000, 150)
  })

  it("gives up in time on relays that are made to clash", () => {
    let looks = 0
    const relays = Array.from({ length: 512 }, (_, n) => ({
      key: `${n}`,
      get networks() {
        looks++
        return n < 3 ? ["ours"] : ["theirs"]
      },
      weight: 1,
      isSuspect: false,
      isGuard: n < 3
    }))
    assert.isUndefined(pickRelays(choice(relays, 3, 1)))
    assert.isBelow(looks, 100_000, "all pairs behind each guard would be 390,000, twice over")
  })
})
