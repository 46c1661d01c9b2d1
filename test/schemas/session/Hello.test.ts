import { assert, describe, it } from "@effect/vitest"
import { utf8 } from "#schemas/bytes/bytes"
import type { CborValue } from "#schemas/bytes/CborValue"
import * as Hello from "#schemas/session/Hello"
import { counting } from "../malformed.ts"

describe("Hello", () => {
  const elements: ReadonlyArray<CborValue> = [1, "allium/0.1", 1, Uint8Array.of(4, 1, 2, 3, 4), ["a", "b"], 64]
  const hello = Hello.ofArray(elements)!

  it.prop("reads as what was written", [Hello.Hello], ([hello]) => {
    assert.deepStrictEqual(Hello.ofArray(Hello.arrayOf(hello)), { ...hello })
  })

  it("has the fields in the order of the specification", () => {
    assert.include(hello, { minor: 1, agent: "allium/0.1", mode: "server", maxInFlight: 64 })
    assert.deepStrictEqual(Hello.arrayOf(hello), elements)
    assert.deepStrictEqual(Hello.ofArray([...elements, "new"]), hello)
  })

  it("an agent that is too long is cut when written", () => {
    const [, agent] = Hello.arrayOf({ ...hello, agent: "a".repeat(65) })
    assert.strictEqual(agent, "a".repeat(64))
  })

  const cases: ReadonlyArray<readonly [name: string, index: number, value: CborValue]> = [
    ["a negative minor", 0, -1],
    ["an agent of 65 bytes", 1, "a".repeat(65)],
    ["a third mode", 2, 2],
    ["a mode that is half", 2, null],
    ["an address of 65 bytes", 3, counting(65)],
    ["five capabilities", 4, new Array<string>(5).fill("a")],
    ["a capability of 24 bytes", 4, ["a".repeat(24)]],
    ["a capability that is bytes", 4, [utf8("a")]],
    ["requests beyond 32 bits", 5, 2 ** 32]
  ]
  for (const [name, index, value] of cases) {
    it(`${name} is refused`, () => assert.isUndefined(Hello.ofArray(elements.with(index, value))))
  }

  it("too few elements are refused, and what is no array", () => {
    for (let count = 0; count < elements.length; count++) assert.isUndefined(Hello.ofArray(elements.slice(0, count)))
    for (const other of [undefined, null, 1, utf8("a")]) assert.isUndefined(Hello.ofArray(other))
  })
})
