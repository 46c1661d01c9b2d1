import { assert, describe, it } from "@effect/vitest"
import { RETIRED_LIMIT, Retired } from "#core/dht/Retired"

const contact = (key: string) => ({ key })

describe("Retired", () => {
  it("looks for a contact after one minute, then after twice as long each time, at most an hour", () => {
    const retired = new Retired<{ readonly key: string }>()
    retired.failed(contact("a"), 0)
    const tried: Array<number> = []
    for (let now = 0; now < 4 * 3_600; now++) {
      for (const it of retired.due(now)) {
        tried.push(now)
        retired.failed(it, now)
      }
    }
    assert.deepStrictEqual(tried, [60, 180, 420, 900, 1_860, 3_780, 7_380, 10_980])
  })

  it("forgets who was met again, and who was silent for a day", () => {
    const retired = new Retired<{ readonly key: string }>()
    retired.failed(contact("a"), 0)
    retired.failed(contact("b"), 0)
    retired.remove("a")
    assert.deepStrictEqual(retired.due(60), [contact("b")])
    retired.failed(contact("b"), 86_400)
    assert.strictEqual(retired.size, 0)
  })

  it("remembers no more than its limit, and lets go of the one retired first", () => {
    const retired = new Retired<{ readonly key: string }>()
    for (let n = 0; n <= RETIRED_LIMIT; n++) retired.failed(contact(String(n)), n)
    assert.strictEqual(retired.size, RETIRED_LIMIT)
    assert.isUndefined(retired.find("0"))
    assert.isDefined(retired.find("1"))
  })
})
