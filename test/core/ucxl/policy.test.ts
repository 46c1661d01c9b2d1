import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { headerLength, LEAST_PAYLOAD, payloadLength } from "#core/ucxl/ageFile"
import { Directory } from "#core/ucxl/Directory"
import { believed, levelOf, permitOf, storingRoles } from "#core/ucxl/policy"
import { grantRoles } from "#core/ucxl/roleGrants"
import { searchableText } from "#core/ucxl/searchable"
import { utf8 } from "#schemas/bytes/bytes"
import type { Role } from "#schemas/ucxl/Role"
import { publicKeyOf, signerOf } from "../../layers/ucxl/store.ts"

const dev = publicKeyOf("dev")
const arch = publicKeyOf("arch")
const guest = publicKeyOf("guest")
const nobody = publicKeyOf("nobody")
const recipient = (letter: string) => `age1${letter.repeat(58)}`

const roles: ReadonlyArray<Role> = [
  { name: "dev", level: "execution", recipients: [recipient("q")], canDecrypt: [], members: [dev, arch] },
  { name: "arch", level: "master", recipients: [recipient("p")], canDecrypt: ["*"], members: [arch] },
  { name: "guest", level: "read-only", recipients: [recipient("z")], canDecrypt: [], members: [guest] },
  { name: "mute", level: "suggestion", recipients: [], canDecrypt: [], members: [dev] }
]
const directory = new Directory(1, grantRoles(signerOf("authority"), roles, 1_000))
const alone = new Directory(1, grantRoles(signerOf("authority"), roles.slice(3), 1_000))
const DAYS_30 = 30 * 86_400

describe("policy", () => {
  it("lets a member of a role that stores do so, for all who read it", () => {
    const permit = Result.getOrThrow(permitOf(directory, "dev", ["guest"], dev, 1_000))
    assert.deepInclude(permit, { readers: ["dev", "arch", "guest"], level: 2 })
    assert.deepStrictEqual(permit.recipients, [recipient("q"), recipient("p"), recipient("z")])
    assert.lengthOf(permit.grants, 1)
  })

  it("says why not", () => {
    const reason = (role: string, node = dev, now = 1_000, list = directory) =>
      Result.match(permitOf(list, role, [], node, now), { onFailure: (it) => it, onSuccess: () => "may" })
    assert.strictEqual(reason("guest", guest), "ReadOnly")
    assert.strictEqual(reason("dev", nobody), "NotMember")
    assert.strictEqual(reason("mute", dev, 1_000, alone), "NoRecipients")
    assert.strictEqual(reason("dev", dev, 1_000 + DAYS_30), "GrantExpired")
    assert.strictEqual(reason("dev", dev, 999 + DAYS_30), "may")
  })

  it("knows the highest role of a node, and believes the first entry by one who has any", () => {
    assert.deepStrictEqual(storingRoles(directory, arch), ["arch", "dev"])
    assert.deepStrictEqual(
      [dev, arch, guest].map((key) => levelOf(directory, key)),
      [2, 4, 0]
    )
    const entries = [nobody, guest, dev, arch].map((author) => ({ author }))
    assert.strictEqual(believed(directory, entries)?.author, dev)
    assert.isUndefined(believed(directory, entries.slice(0, 2)))
  })
})

describe("age files", () => {
  const header = utf8("age-encryption.org/v1\n-> X25519 abc\nbody\n--- mac\n")

  it("are measured by their header, which has a limit", () => {
    const file = new Uint8Array([...header, 10, 45, 45, 45, 32, 10])
    assert.deepStrictEqual(headerLength(file, 1_000), Result.succeed(header.length))
    assert.deepStrictEqual(headerLength(file, header.length), Result.succeed(header.length))
    assert.deepStrictEqual(headerLength(file, header.length - 1), Result.fail("HeaderTooLong"))
    for (let length = 0; length < header.length; length++) {
      assert.deepStrictEqual(headerLength(file.subarray(0, length), 1_000), Result.fail("Truncated"), `${length}`)
    }
    assert.deepStrictEqual(headerLength(utf8("-----BEGIN AGE"), 1_000), Result.fail("NotAge"))
    const endless = new Uint8Array([...header.subarray(0, 22), ...new Uint8Array(500).fill(65)])
    assert.deepStrictEqual(headerLength(endless, 100), Result.fail("HeaderTooLong"))
  })

  it("have 16 bytes more for each 65,536, and at least 32", () => {
    assert.deepStrictEqual([0, 1, 65_536, 65_537].map(payloadLength), [32, 33, 65_568, 65_585])
    assert.strictEqual(LEAST_PAYLOAD, 32)
  })
})

describe("searchableText", () => {
  it("takes text by its type, if it is UTF-8 and not too long", () => {
    const types = ["text/markdown; charset=utf-8", "application/json", "application/ld+json", "TEXT/plain"]
    for (const type of types) assert.strictEqual(searchableText(type, utf8("wörds"), 10), "wörds", type)
    assert.isUndefined(searchableText("application/octet-stream", utf8("words"), 10))
    assert.isUndefined(searchableText("image/png", utf8("words"), 10))
    assert.isUndefined(searchableText("text/plain", utf8("words"), 4))
    assert.isUndefined(searchableText("text/plain", Uint8Array.of(0xff, 0xfe), 10))
  })
})
