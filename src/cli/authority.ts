/** Whose roles hold on a data folder, whether its own node keeps them, and the file that they stand in. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Effect, Option, Result, Schema } from "effect"
import { ROLES_FILE } from "#layers/ucxl/DeclaredRoles"
import { parseRoles } from "#layers/ucxl/rolesToml"
import { wordOf, writeWhole } from "#layers/ucxl/wholeFile"
import type { Role } from "#schemas/ucxl/Role"
import { CONTROL_FILE, ControlFile } from "#services/node/ControlApi"
import { RolesInvalid } from "#services/ucxl/RoleDirectory"
import { failure } from "./Failure.ts"
import { identityOf } from "./identityOf.ts"
import { editRoles, rolesTemplate } from "./rolesToml.ts"
import { toFailure } from "./sentences.ts"

/** A file that its owner may show to others keeps the rights that it has. */
const FILE_MODE = 0o644

/** As `identityOf`, on the authority's own folder only. */
export const asAuthority = Effect.fnUntraced(function* (data: string) {
  const { identity, settings } = yield* identityOf(data)
  if (settings.authority === "") {
    return yield* failure(
      `this node keeps nobody's roles: run "allium role init --data ${data}" to make it the authority`
    )
  }
  if (settings.authority !== identity.did) {
    return yield* failure(
      `the roles are those of ${settings.authority}, so they are changed on that node; yours is ${identity.did}`
    )
  }
  return identity
})

const readControlFile = Schema.decodeUnknownOption(Schema.fromJsonString(ControlFile))

/** Whether a node runs there: one that was killed has left its control file behind, and no process. */
export const mayRun = (data: string): boolean => {
  const file = join(data, CONTROL_FILE)
  const told = existsSync(file) ? readControlFile(readFileSync(file, "utf8")) : Option.none()
  return Option.isSome(told) && isAlive(told.value.pid)
}

/** Somebody else's process may not be signalled, and is alive. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return wordOf(cause) === "EPERM"
  }
}

export const readText = (file: string) =>
  Effect.try({
    try: () => (existsSync(file) ? readFileSync(file, "utf8") : undefined),
    catch: (cause) => failure(`${file} cannot be read (${wordOf(cause)})`)
  })

/** Whole or not at all. */
export const writeText = (file: string, text: string) =>
  Effect.try({
    try: () => {
      const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? FILE_MODE
      writeWhole(file, text, mode & 0o777)
    },
    catch: (cause) =>
      failure(`${file} cannot be written (${wordOf(cause)}): see that there is room, and that it is yours`)
  })

export const rolesFileOf = (data: string): string => join(data, ROLES_FILE)

/** The roles as they are declared, and their text. */
export const declaredRoles = Effect.fnUntraced(function* (data: string) {
  const file = rolesFileOf(data)
  const text = (yield* readText(file)) ?? rolesTemplate()
  const roles = parseRoles(text)
  if (Result.isSuccess(roles)) return { text, roles: roles.success }
  const { reason, role } = roles.failure
  return yield* failure(`the roles in ${file} cannot be used: ${role === "" ? reason : `"${role}" ${reason}`}`)
})

/** Writes them down, unless somebody else has changed the file since `before` was read. */
export const declareRoles = Effect.fnUntraced(function* (
  data: string,
  before: string,
  roles: ReadonlyArray<Role>,
  changed: ReadonlyArray<string>
) {
  const file = rolesFileOf(data)
  const text = editRoles(before, roles, changed)
  const read = parseRoles(text)
  if (Result.isFailure(read)) return yield* toFailure(new RolesInvalid(read.failure))
  const now = yield* readText(file)
  if (now !== undefined && now !== before) return yield* failure(`${file} was changed meanwhile: try again`)
  yield* writeText(file, text)
  return read.success
})
