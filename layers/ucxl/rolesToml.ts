/**
 * Roles as their authority declares them, in TOML:
 *
 *   [roles.developer]
 *   level = "execution"
 *   recipients = ["age1…"]
 *   canDecrypt = ["reader"]
 *   members = ["did:key:z6Mk…"]
 *
 * Only `level` must be there. Whatever is wrong is told with the role and the field that it stands in.
 */
import { Result, Schema } from "effect"
import { parse, TomlError } from "smol-toml"
import { checkRoles, type RolesFault } from "#core/ucxl/checkRoles"
import { type PublicKey, publicKeyOfDid } from "#schemas/identity/PublicKey"
import { keyOfRecipient } from "#schemas/ucxl/ageKeys"
import { LEVELS, Level, type Role } from "#schemas/ucxl/Role"

const FIELDS = ["level", "recipients", "canDecrypt", "members"]

const isLevel = Schema.is(Level)
const isTable = Schema.is(Schema.Record(Schema.String, Schema.Unknown))
const isTexts = Schema.is(Schema.Array(Schema.String))

/** The roles in the order of the text, which agree with each other; or the first that is wrong. */
export const parseRoles = (text: string): Result.Result<ReadonlyArray<Role>, RolesFault> => {
  const table = tableOf(text)
  if (Result.isFailure(table)) return wrong("", table.failure)
  const { roles = {}, ...others } = table.success
  const [stranger] = Object.keys(others)
  if (stranger !== undefined) return wrong("", `"${stranger}" is unknown: each role stands under [roles.NAME]`)
  if (!isTable(roles)) return wrong("", `"roles" is no table: each role stands under [roles.NAME]`)
  return Result.all(Object.entries(roles).map(([name, fields]) => roleOf(name, fields))).pipe(
    Result.flatMap((list) => Result.map(checkRoles(list), () => list))
  )
}

const wrong = (role: string, reason: string): Result.Result<never, RolesFault> => Result.fail({ role, reason })

const tableOf = (text: string): Result.Result<Readonly<Record<string, unknown>>, string> => {
  try {
    return Result.succeed(parse(text))
  } catch (cause) {
    return Result.fail(cause instanceof TomlError ? `line ${cause.line} is not TOML` : "it is not TOML")
  }
}

const roleOf = (name: string, fields: unknown): Result.Result<Role, RolesFault> => {
  if (!isTable(fields)) return wrong(name, `is no table: write [roles.${name}]`)
  const stranger = Object.keys(fields).find((field) => !FIELDS.includes(field))
  if (stranger !== undefined) return wrong(name, `has an unknown field "${stranger}": known are ${FIELDS.join(", ")}`)
  const { canDecrypt = [], level, members = [], recipients = [] } = fields
  if (!isLevel(level)) {
    const levels = LEVELS.map((it) => `"${it}"`).join(", ")
    return wrong(
      name,
      level === undefined ? `has no level: say one of ${levels}` : `has a level that is none of ${levels}`
    )
  }
  for (const [field, value] of Object.entries({ recipients, canDecrypt, members })) {
    if (!isTexts(value)) return wrong(name, `has ${field} that are no list of texts`)
  }
  const keys: Array<PublicKey> = []
  for (const [index, did] of (members as ReadonlyArray<string>).entries()) {
    const key = publicKeyOfDid(did)
    if (Result.isFailure(key)) return wrong(name, `has a wrong member, number ${index + 1} of members: ${key.failure}`)
    keys.push(key.success)
  }
  for (const [index, recipient] of (recipients as ReadonlyArray<string>).entries()) {
    const key = keyOfRecipient(recipient)
    if (Result.isFailure(key)) {
      return wrong(name, `has a wrong recipient, number ${index + 1} of recipients: ${key.failure}`)
    }
  }
  return Result.succeed({
    name,
    level,
    recipients: recipients as ReadonlyArray<string>,
    canDecrypt: canDecrypt as ReadonlyArray<string>,
    members: keys
  })
}
