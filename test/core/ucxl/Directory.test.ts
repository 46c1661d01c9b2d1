import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Directory } from "#core/ucxl/Directory"
import { equalBytes } from "#schemas/bytes/bytes"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { recipientText } from "#schemas/ucxl/ageKeys"
import { LEVELS, Level } from "#schemas/ucxl/Role"
import type { ListedRole } from "#schemas/ucxl/RoleList"

/** A small world: roles by number, so that relations meet. Number 6 is `*`, and 7 a role that is not there. */
const Names = ["a", "b", "c", "d", "e", "f", "*", "nobody"] as const
const Few = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))).check(Schema.isMaxLength(4))
const Drawn = Schema.Struct({ level: Level, recipients: Few, canDecrypt: Few, members: Few })
const World = Schema.Array(Drawn).check(Schema.isMaxLength(6))

const keys = Array.from({ length: 8 }, (_, index) => new Uint8Array(32).fill(index + 1) as PublicKey)
const recipients = keys.map(recipientText)
const once = (numbers: ReadonlyArray<number>) => [...new Set(numbers)]

const rolesOf = (world: typeof World.Type): ReadonlyArray<ListedRole> =>
  world.map(({ canDecrypt, level, members, recipients: to }, index) => ({
    name: Names[index] ?? "",
    level,
    recipients: once(to).map((at) => recipients[at] ?? ""),
    canDecrypt: once(canDecrypt).map((at) => Names[at] ?? ""),
    members: once(members).map((at) => keys[at]!),
    grants: level === "read-only" ? [] : once(members).map((at) => Uint8Array.of(index, at))
  }))

describe("Directory", () => {
  it.effect.prop(
    "answers as a plain search of the list would",
    [World],
    ([world]) =>
      Effect.sync(() => {
        const roles = rolesOf(world)
        const directory = new Directory(1, roles)
        const has = (name: string) => roles.some((role) => role.name === name)
        for (const reader of Names) {
          const role = roles.find(({ name }) => name === reader)
          assert.strictEqual(directory.find(reader), role)
          for (const creator of Names) {
            const may =
              role !== undefined &&
              (reader === creator || role.canDecrypt.includes("*") || role.canDecrypt.includes(creator))
            assert.strictEqual(directory.mayDecrypt(reader, creator), may, `${reader} of ${creator}`)
          }
          const readers = roles.filter(({ name }) => directory.mayDecrypt(name, reader)).map(({ name }) => name)
          assert.sameMembers([...directory.readersOf(reader)], readers)
          if (has(reader)) assert.strictEqual(directory.readersOf(reader)[0], reader)
          const to = roles.filter(({ name }) => readers.includes(name)).flatMap((it) => it.recipients)
          assert.sameMembers([...directory.recipientsOf(readers)], [...new Set(to)])
          for (const key of keys) {
            const index = role?.members.findIndex((member) => equalBytes(member, key)) ?? -1
            assert.strictEqual(directory.isMember(reader, key), index >= 0)
            const grant = role?.level === "read-only" ? undefined : role?.grants[index]
            assert.deepStrictEqual(directory.grantsFor(reader, key), grant === undefined ? undefined : [grant])
            assert.strictEqual(directory.rolesOf(key).includes(reader), index >= 0)
          }
        }
      }),
    { arbitrary: { runs: 200 } }
  )

  it("knows nobody where there are no roles", () => {
    const directory = new Directory(1, [])
    assert.deepStrictEqual(directory.readersOf("a"), [])
    assert.isFalse(directory.mayDecrypt("a", "a"))
    assert.strictEqual(LEVELS.length, 5)
  })
})
