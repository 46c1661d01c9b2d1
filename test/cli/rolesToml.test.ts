import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { sameRoles } from "#core/ucxl/checkRoles"
import { parseRoles } from "#layers/ucxl/rolesToml"
import { didOf } from "#schemas/identity/PublicKey"
import { recipientText } from "#schemas/ucxl/ageKeys"
import { Level, type Role } from "#schemas/ucxl/Role"
import { editRoles, rolesTemplate } from "../../src/cli/rolesToml.ts"
import { keyOf, role } from "../layers/ucxl/roles.ts"

const recipient = recipientText(new Uint8Array(32).fill(9))

const parsed = (text: string): ReadonlyArray<Role> =>
  Result.getOrElse(parseRoles(text), ({ reason, role }) => assert.fail(`${role} ${reason}`))

const faultOf = (text: string): string => {
  const result = parseRoles(text)
  assert.isTrue(Result.isFailure(result), "was accepted")
  return Result.isFailure(result) ? `${result.failure.role} ${result.failure.reason}` : ""
}

const TEXT = `# Ours.

[roles.developer] # they build
level = "execution"
recipients = ["${recipient}"]
members = ["${didOf(keyOf(2))}"]
canDecrypt = ["reader"]

# They look.
[roles.reader]
level = "read-only"

[ roles . "a.b" ]
level = "master"
`

describe("roles in TOML", () => {
  it("are read in their order, with nothing where nothing is said", () => {
    assert.deepStrictEqual(parsed(TEXT), [
      role("developer", { recipients: [recipient], canDecrypt: ["reader"], members: [keyOf(2)] }),
      role("reader", { level: "read-only", members: [] }),
      role("a.b", { level: "master", members: [] })
    ])
    assert.deepStrictEqual(parsed(""), [])
    assert.deepStrictEqual(parsed(rolesTemplate()), [])
  })

  it("are refused with the role and the field that are wrong", () => {
    const developer = (rest: string) => faultOf(`[roles.developer]\nlevel = "execution"\n${rest}\n`)
    assert.match(faultOf("[roles.developer]\nlevel =\n"), /line 2 is not TOML/)
    assert.match(faultOf("[developer]\n"), /"developer" is unknown: each role stands under/)
    assert.match(faultOf("roles = 1\n"), /"roles" is no table/)
    assert.match(faultOf("[roles]\ndeveloper = 1\n"), /^developer is no table/)
    assert.match(faultOf("[roles.developer]\n"), /^developer has no level: say one of "read-only"/)
    assert.match(faultOf('[roles.developer]\nlevel = "high"\n'), /^developer has a level that is none of "read-only"/)
    assert.match(faultOf('[roles.Developer]\nlevel = "master"\n'), /^Developer is no name/)
    assert.match(developer('colour = "red"'), /^developer has an unknown field "colour": known are level, recipients/)
    assert.match(developer("members = [1]"), /^developer has members that are no list of texts/)
    assert.match(
      developer('members = ["did:key:z6Mk"]'),
      /^developer has a wrong member, number 1 of members: not a did/
    )
    assert.match(
      developer(`recipients = ["${recipient}", "age1x"]`),
      /^developer has a wrong recipient, number 2 of recipients: its checksum/
    )
    assert.match(developer('canDecrypt = ["ghost"]'), /^developer may decrypt ghost, which is no role/)
  })

  it("are changed one at a time, and what stands around stays as it is", () => {
    const roles = parsed(TEXT)
    const [developer, reader] = [roles[0]!, { ...roles[1]!, level: "suggestion" as const }]
    const list = roles.map((it) => (it.name === "reader" ? reader : it))
    const text = editRoles(TEXT, list, ["reader"])
    assert.strictEqual(text, TEXT.replace('"read-only"', '"suggestion"'))
    const fewer = editRoles(
      TEXT,
      roles.filter(({ name }) => name === "developer" || name === "reader"),
      ["a.b"]
    )
    assert.strictEqual(fewer, TEXT.slice(0, TEXT.indexOf("\n[ roles")))
    const more = editRoles(TEXT, [...roles, role("tester")], ["tester"])
    assert.isTrue(more.startsWith(TEXT))
    assert.deepStrictEqual(parsed(more).at(-1), role("tester"))
    const empty = editRoles(rolesTemplate(), [{ ...developer, canDecrypt: [] }], ["developer"])
    assert.isTrue(empty.startsWith(rolesTemplate().trimEnd()))
  })

  it("are written anew where they stand in another shape", () => {
    const inline = `roles = { developer = { level = "execution" } }\n`
    const list = [role("developer", { level: "master", members: [] })]
    assert.deepStrictEqual(parsed(editRoles(inline, list, ["developer"])), list)
  })

  const Names = ["a", "b", "c.d", "e-f"] as const
  const Change = Schema.Struct({
    name: Schema.Literals(Names),
    level: Schema.NullOr(Level),
    members: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))).check(Schema.isMaxLength(3)),
    all: Schema.Boolean
  })

  it.effect.prop(
    "say after any row of changes what they should",
    [Schema.Array(Change).check(Schema.isMaxLength(12))],
    ([changes]) =>
      Effect.sync(() => {
        let text = rolesTemplate()
        let wanted: ReadonlyArray<Role> = []
        for (const { all, level, members, name } of changes) {
          const changed =
            level === null
              ? []
              : [role(name, { level, members: [...new Set(members)].map(keyOf), canDecrypt: all ? ["*"] : [] })]
          const at = wanted.findIndex((it) => it.name === name)
          wanted = at < 0 ? [...wanted, ...changed] : wanted.toSpliced(at, 1, ...changed)
          text = editRoles(text, wanted, [name])
          assert.isTrue(sameRoles(parsed(text), wanted))
          assert.isTrue(text.startsWith("# The roles of this network"))
        }
      }),
    { arbitrary: { runs: 60 } }
  )
})
