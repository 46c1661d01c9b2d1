import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { recipientText } from "#schemas/ucxl/ageKeys"
import { ROLE_NAME_LIMIT } from "#schemas/ucxl/Role"
import { type ListedRole, ROLE_LIST_LIMIT, RoleListFromBytes, read, write } from "#schemas/ucxl/RoleList"
import * as SeenRoles from "#schemas/ucxl/SeenRoles"
import { counting, refusal, withstands } from "../malformed.ts"
import { roundTrip } from "../roundTrip.ts"

const member = counting(32, 1) as PublicKey
const recipient = recipientText(new Uint8Array(32).fill(9))
const developer: ListedRole = {
  name: "developer",
  level: "execution",
  recipients: [recipient],
  canDecrypt: ["reader", "*"],
  members: [member],
  grants: [counting(5)]
}
const reader: ListedRole = {
  name: "reader",
  level: "read-only",
  recipients: [],
  canDecrypt: [],
  members: [member],
  grants: []
}

const text = (value: string) => {
  const bytes = utf8(value)
  return (bytes.length < 24 ? (0x60 + bytes.length).toString(16) : `78${bytes.length.toString(16)}`) + hexOf(bytes)
}

describe("RoleList", () => {
  it("has one encoding", () => {
    assert.strictEqual(
      hexOf(write([developer, reader])),
      `820182` +
        `86${text("developer")}0281${text(recipient)}82${text("reader")}${text("*")}815820${hexOf(member)}8145${hexOf(counting(5))}` +
        `86${text("reader")}008080815820${hexOf(member)}80`
    )
  })

  it.effect("is read as it is written, empty or not", () =>
    Effect.all([roundTrip(RoleListFromBytes)([developer, reader]), roundTrip(RoleListFromBytes)([])])
  )

  it("takes what a later version appends, and withstands what is cut or flipped", () => {
    const [, roles] = [1, [["reader", 0, [], [], [], [], "later"]]]
    assert.isTrue(Result.isSuccess(read(encode([1, roles as CborValue, "later"]))))
    withstands(read, write([developer, reader]))
  })

  it("refuses what is malformed by its name", () => {
    const role = (index: number, value: CborValue): Uint8Array => {
      const fields: Array<CborValue> = ["developer", 2, [recipient], ["reader"], [member], [counting(5)]]
      fields[index] = value
      return encode([1, [fields]])
    }
    const cases: ReadonlyArray<readonly [Uint8Array, string]> = [
      [encode([2, []]), "list of roles of another version"],
      [encode([1, 7]), "malformed list of roles"],
      [encode([1, Array.from({ length: 65 }, () => [])]), "malformed list of roles"],
      [encode([1, ["developer"]]), "malformed role"],
      [role(0, "Developer"), "malformed name of a role"],
      [role(0, "d".repeat(ROLE_NAME_LIMIT + 1)), "malformed name of a role"],
      [role(1, 5), "malformed level of developer"],
      [role(2, ["age1"]), "malformed recipients of developer"],
      [
        role(
          2,
          Array.from({ length: 17 }, () => recipient)
        ),
        "malformed recipients of developer"
      ],
      [role(3, ["**"]), "malformed relations of developer"],
      [role(4, [counting(31)]), "malformed members of developer"],
      [
        role(
          4,
          Array.from({ length: 33 }, () => member)
        ),
        "malformed members of developer"
      ],
      [role(5, []), "malformed grants of developer"],
      [role(5, [counting(257 - 1), counting(5)]), "malformed grants of developer"],
      [role(1, 0), "malformed grants of developer"],
      [new Uint8Array(ROLE_LIST_LIMIT + 1), `list of roles above ${ROLE_LIST_LIMIT} bytes`]
    ]
    for (const [bytes, reason] of cases) assert.strictEqual(refusal(read(bytes)), reason)
  })

  it("keeps none of the bytes that it was read from", () => {
    const bytes = write([developer])
    const [role] = Result.getOrThrow(read(bytes))
    bytes.fill(0)
    assert.deepStrictEqual(role, developer)
  })
})

describe("SeenRoles", () => {
  const seen = { authority: counting(32), seq: 7, value: counting(9) }

  it("has one encoding, and withstands what is cut or flipped", () => {
    assert.strictEqual(hexOf(SeenRoles.write(seen)), `84015820${hexOf(counting(32))}0749${hexOf(counting(9))}`)
    assert.deepStrictEqual(Result.getOrThrow(SeenRoles.read(SeenRoles.write(seen))), seen)
    withstands(SeenRoles.read, SeenRoles.write(seen))
    assert.strictEqual(refusal(SeenRoles.read(encode([2, counting(32), 7, counting(9)]))), "of another version")
  })
})
