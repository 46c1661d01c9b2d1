import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import {
  ADDRESS_LIMIT,
  addressOf,
  isAddress,
  PARTS,
  partsOf,
  refusalText,
  UcxlAddressFromText
} from "#schemas/ucxl/Address"
import { roundTrip } from "../roundTrip.ts"

const GOOD = "ucxl://agent-1/developer/allium/storage/decision"

/** Pieces of addresses, good and bad, in any order: now and then they come to one. */
const piece = Schema.Literals<ReadonlyArray<string>>([
  ...[
    "a",
    "b2",
    "agent-1",
    "x_y.z",
    "A",
    "-",
    ".",
    "_",
    "a-",
    "-a",
    "é",
    " ",
    "/",
    "//",
    "ucxl://",
    "UCXL://",
    "http://"
  ],
  ...["\u0000", "%2f", "..", "a".repeat(64), "a".repeat(65), "\n", "ucxl:/", "?", "#", "*", "\ud800", "ß", "K"]
])
const part = Schema.Literals<ReadonlyArray<string>>([
  "a",
  "b2",
  "agent-1",
  "x_y.z",
  "Dev",
  "9",
  "",
  "a b",
  "é",
  "-a",
  "a".repeat(64),
  "a".repeat(65)
])

describe("addressOf", () => {
  it("takes five parts, lowers them and drops blanks around the whole", () => {
    assert.strictEqual(Result.getOrThrow(addressOf(`  ${GOOD.toUpperCase()}\n`)), GOOD)
    assert.deepStrictEqual(partsOf(Result.getOrThrow(addressOf(GOOD))), {
      ...{ agent: "agent-1", role: "developer", project: "allium", task: "storage", type: "decision" }
    })
    const longest = `ucxl://${PARTS.map(() => "a".repeat(64)).join("/")}`
    assert.strictEqual(longest.length, ADDRESS_LIMIT)
    assert.isTrue(isAddress(longest))
  })

  const cases: ReadonlyArray<readonly [what: string, text: string, words: string]> = [
    ["nothing", "", "the address does not begin with ucxl://"],
    ["another scheme", "http://a/b/c/d/e", "the address does not begin with ucxl://"],
    ["four parts", "ucxl://a/b/c/d", 'the part "type" is missing'],
    ["six parts", "ucxl://a/b/c/d/e/f", "the address has more than 5 parts"],
    ["a slash behind", "ucxl://a/b/c/d/e/", "the address has more than 5 parts"],
    ["an empty role", "ucxl://a//c/d/e", 'the part "role" is empty'],
    ["a long task", `ucxl://a/b/c/${"d".repeat(65)}/e`, 'the part "task" has more than 64 letters'],
    ["a blank inside", "ucxl://a/b/c c/d/e", 'the part "project" may hold a-z, 0-9 and, inside, . _ - only'],
    ["a dot in front", "ucxl://.a/b/c/d/e", 'the part "agent" may hold a-z, 0-9 and, inside, . _ - only'],
    [
      "a letter that only looks like one",
      "ucxl://\u0430/b/c/d/e",
      'the part "agent" may hold a-z, 0-9 and, inside, . _ - only'
    ],
    ["what is far too long", `ucxl://${"a/".repeat(1_000)}`, `the address has more than ${ADDRESS_LIMIT} letters`]
  ]
  for (const [what, text, words] of cases) {
    it(`refuses ${what}, and says what is wrong`, () => {
      assert.strictEqual(Result.match(addressOf(text), { onFailure: refusalText, onSuccess: String }), words)
    })
  }

  const law = (text: string): void =>
    Result.match(addressOf(text), {
      onFailure: ({ part, reason }) => {
        assert.isTrue(part === undefined || PARTS.includes(part))
        assert.notStrictEqual(reason, "")
        assert.isFalse(isAddress(text))
      },
      onSuccess: (address) => {
        assert.match(address, /^ucxl:\/\/[a-z0-9._-]+(\/[a-z0-9._-]+){4}$/)
        assert.isAtMost(address.length, ADDRESS_LIMIT)
        assert.strictEqual(Result.getOrThrow(addressOf(address)), address)
        assert.strictEqual(`ucxl://${Object.values(partsOf(address)).join("/")}`, address)
      }
    })

  it.effect.prop(
    "answers anything with an address that answers itself, or names what is wrong",
    [Arbitrary.array(Arbitrary.schema(piece))],
    ([pieces]) => Effect.sync(() => law(pieces.join(""))),
    { arbitrary: { runs: 4_000 } }
  )

  it.effect.prop(
    "the same of what nearly is one",
    [Schema.Array(part).check(Schema.isBetweenLength(4, 6))],
    ([parts]) => Effect.sync(() => law(`ucxl://${parts.join("/")}`)),
    { arbitrary: { runs: 6_000 } }
  )

  it.effect("is inverted by its text", () => roundTrip(UcxlAddressFromText)(Result.getOrThrow(addressOf(GOOD))))
})
