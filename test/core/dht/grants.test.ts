import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { AUTHORITY_ROLE, areSigned, OPEN_ROLE, standingOf } from "#core/dht/grants"
import { networkIdOf } from "#core/identity/signature"
import * as Grant from "#schemas/dht/Grant"
import { LIFETIME, OPEN_NAMESPACE } from "#schemas/dht/Record"
import { grant, networkId, signingOf, suite } from "../../layers/dht/fixtures.ts"

const keyOfName = (name: string) => signingOf(name).publicKey
const authority = keyOfName("root")
const NOW = 500

/** What a chain from "root" gives to `subject`: the standing or the word of refusal. */
const judged = (grants: ReadonlyArray<Uint8Array>, subject: string, now = NOW) => {
  const claim = { authority, scope: authority, subject: keyOfName(subject), grants }
  return Result.match(standingOf(claim, now), { onFailure: (it) => it as string, onSuccess: (it) => it })
}
const by = (issuer: string, subject: string, fields: Partial<Grant.UnsignedGrant> = {}) =>
  grant(issuer, subject, { scope: authority, ...fields })

describe("grants", () => {
  it("the authority acts for itself, above every role, and nobody else without a grant", () => {
    assert.deepStrictEqual(judged([], "root"), { role: AUTHORITY_ROLE, expires: Number.POSITIVE_INFINITY })
    assert.strictEqual(judged([], "a"), "NotGranted")
  })

  it("in the open namespace everybody speaks for himself, and a grant has no place", () => {
    const open = { authority: OPEN_NAMESPACE, scope: OPEN_NAMESPACE, subject: keyOfName("a") }
    assert.strictEqual(Result.getOrThrow(standingOf({ ...open, grants: [] }, NOW)).role, OPEN_ROLE)
    const granted = standingOf({ ...open, grants: [grant("root", "a", { scope: OPEN_NAMESPACE })] }, NOW)
    assert.deepStrictEqual(granted, Result.fail("NotGranted"))
  })

  it("a chain gives the role and the time of its last grant", () => {
    const chain = [
      by("root", "a", { role: 4 }),
      by("a", "b", { role: 3, expires: 900 }),
      by("b", "c", { expires: 800 })
    ]
    assert.deepStrictEqual(judged(chain, "c"), { role: 2, expires: 800 })
    const four = [by("root", "a"), by("a", "b"), by("b", "c"), by("c", "d")]
    assert.deepStrictEqual(judged(four, "d"), { role: 2, expires: 1_000 })
  })

  const refused: ReadonlyArray<
    readonly [what: string, grants: ReadonlyArray<Uint8Array>, subject: string, why: string]
  > = [
    ["a first issuer that is not the authority", [by("a", "b")], "b", "NotGranted"],
    ["a link that is missing", [by("root", "a"), by("b", "c")], "c", "NotGranted"],
    ["a last subject that is somebody else", [by("root", "a")], "b", "NotGranted"],
    ["a role that rises", [by("root", "a", { role: 2 }), by("a", "b", { role: 3 })], "b", "NotGranted"],
    ["a child that outlives its parent", [by("root", "a"), by("a", "b", { expires: 1_001 })], "b", "NotGranted"],
    ["another scope", [by("root", "a", { scope: keyOfName("a") })], "a", "NotGranted"],
    ["five grants", [by("root", "a"), by("a", "b"), by("b", "c"), by("c", "d"), by("d", "e")], "e", "NotGranted"],
    ["a grant that has expired", [by("root", "a", { expires: 500 })], "a", "Expired"],
    ["a grant of the future", [by("root", "a", { issued: 1_101, expires: 2_000 })], "a", "Premature"],
    ["a grant that lives for more than thirty days", [by("root", "a", { expires: LIFETIME + 1 })], "a", "NotGranted"],
    ["a grant without a time to live", [by("root", "a", { issued: 600, expires: 600 })], "a", "NotGranted"],
    ["bytes that are no grant", [new Uint8Array(10)], "a", "NotGranted"]
  ]
  for (const [what, grants, subject, why] of refused) {
    it(`${what} is refused`, () => assert.strictEqual(judged(grants, subject), why))
  }

  it("ten minutes are allowed for clocks that differ", () => {
    assert.deepStrictEqual(judged([by("root", "a", { issued: 1_100, expires: 2_000 })], "a"), {
      role: 2,
      expires: 2_000
    })
  })

  it("each has to be signed by its issuer, for this network", () => {
    const chain = [by("root", "a"), by("a", "b")]
    assert.isTrue(areSigned(suite, networkId, chain))
    assert.isFalse(areSigned(suite, networkIdOf(suite, "main"), chain))
    const forged = chain[1]!.slice()
    forged[forged.length - 1]! ^= 1
    assert.isFalse(areSigned(suite, networkId, [chain[0]!, forged]))
    // raised afterwards
    const raised = Grant.write({ ...Result.getOrThrow(Grant.read(chain[1]!)), role: 4 })
    assert.isFalse(areSigned(suite, networkId, [chain[0]!, raised]))
  })

  const Link = Schema.Struct({
    role: Schema.Literals([1, 2, 3, 4]),
    expires: Schema.Literals([400, 600, 800]),
    issuer: Schema.Literals(["root", "a", "b"]),
    subject: Schema.Literals(["a", "b"])
  })
  it.prop(
    "no chain gives more than its least grant",
    [Arbitrary.array(Arbitrary.schema(Link), { maxLength: 5 })],
    ([links]) => {
      const chain = links.map(({ issuer, subject, ...fields }) => by(issuer, subject, fields))
      const standing = judged(chain, "b")
      if (typeof standing === "string") return
      assert.isAtLeast(links.length, 1)
      assert.strictEqual(links[0]!.issuer, "root")
      assert.strictEqual(links.at(-1)!.subject, "b")
      assert.strictEqual(standing.role, Math.min(...links.map(({ role }) => role)))
      assert.strictEqual(standing.expires, Math.min(...links.map(({ expires }) => expires)))
      assert.isAbove(standing.expires, NOW)
    }
  )
})
