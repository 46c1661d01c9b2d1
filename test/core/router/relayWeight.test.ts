import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { fade, measured, type Standing, weightOf } from "#core/router/relayWeight"
import { DAY, HOUR } from "./relays.ts"

const standing = (fields: Partial<Standing> = {}): Standing => ({
  since: 0,
  confirmedAt: 0,
  latency: undefined,
  successes: 0,
  failures: 0,
  countedAt: 0,
  ...fields
})

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 * DAY }))

describe("weightOf", () => {
  it.prop(
    "stays above 0 and below 16, whatever a relay did",
    [Count, Count, Millis, Millis],
    ([successes, failures, confirmedAt, latency]) => {
      const weight = weightOf(standing({ successes, failures, confirmedAt, latency }), confirmedAt)
      assert.isAbove(weight, 0)
      assert.isAtMost(weight, 16)
    }
  )

  it("prefers who is known for longer, faster, or failed less, but no relay many times over", () => {
    const plain = weightOf(standing(), 0)
    const known = weightOf(standing({ confirmedAt: 30 * DAY }), 30 * DAY)
    assert.isAbove(known, plain)
    assert.isAtMost(known, 8 * plain)
    assert.isAbove(weightOf(standing({ latency: 10 }), 0), plain)
    assert.isBelow(weightOf(standing({ latency: 1_000 }), 0), plain)
    assert.isBelow(weightOf(standing({ failures: 3, successes: 3 }), 0), plain)
  })

  it("forgets what happened long ago", () => {
    const failed = standing({ failures: 8 })
    assert.approximately(weightOf(failed, 0), 1 / 9, 1e-9)
    assert.approximately(weightOf(failed, 6 * HOUR), 1 / 5, 1e-9)
    assert.isAbove(weightOf(failed, 5 * DAY), 0.99)
  })

  it("counts the same whether it fades at once or in steps", () => {
    const [once, steps] = [standing({ failures: 8, successes: 2 }), standing({ failures: 8, successes: 2 })]
    for (let hour = 1; hour <= 12; hour++) fade(steps, hour * HOUR)
    fade(once, 12 * HOUR)
    assert.approximately(steps.failures, once.failures, 1e-9)
    assert.approximately(once.failures, 2, 1e-9)
    assert.approximately(once.successes, 0.5, 1e-9)
  })

  it("smooths what it measures", () => {
    const it = standing()
    measured(it, 80)
    assert.strictEqual(it.latency, 80)
    measured(it, 160)
    assert.strictEqual(it.latency, 100)
  })
})
