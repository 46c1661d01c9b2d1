/**
 * What stands in `roles.toml` of the authority's data folder is what its network goes by: published at the start where the
 * network has another list, and whenever the command line says so.
 */
import { join } from "node:path"
import { Effect, Layer, Result } from "effect"
import { sameRoles } from "#core/ucxl/checkRoles"
import { equalBytes } from "#schemas/bytes/bytes"
import type { Role } from "#schemas/ucxl/Role"
import { Bootstrap } from "#services/dht/Bootstrap"
import { Identity } from "#services/identity/Identity"
import { StorageFailed } from "#services/storage/RecordStore"
import { RoleDirectory, RolesInvalid } from "#services/ucxl/RoleDirectory"
import { RolesSoon } from "#services/ucxl/Schedules"
import { parseRoles } from "./rolesToml.ts"
import { readWhole } from "./wholeFile.ts"

export const ROLES_FILE = "roles.toml"

/** Bytes of the file, at most: comments and all. */
const FILE_LIMIT = 1024 * 1024

/** The roles of the file; undefined where there is none. */
export const declaredIn = (
  folder: string
): Effect.Effect<ReadonlyArray<Role> | undefined, RolesInvalid | StorageFailed> =>
  Effect.gen(function* () {
    const path = join(folder, ROLES_FILE)
    const found = yield* Effect.try({
      try: () => readWhole(path, FILE_LIMIT),
      catch: (cause) => new StorageFailed({ operation: `read ${path}`, cause })
    })
    if (found === undefined) return undefined
    if (found.bytes.length > FILE_LIMIT) {
      return yield* new RolesInvalid({ role: "", reason: `${path} has more than ${FILE_LIMIT} bytes` })
    }
    const roles = parseRoles(Buffer.from(found.bytes).toString("utf8"))
    return Result.isSuccess(roles) ? roles.success : yield* new RolesInvalid(roles.failure)
  })

export const make = Effect.fnUntraced(function* (folder: string) {
  const [directory, bootstrap, soon] = [yield* RoleDirectory, yield* Bootstrap, yield* RolesSoon]
  const { publicKey } = yield* Identity
  const { authority } = directory
  if (authority === undefined || !equalBytes(authority, publicKey)) return

  const publish = Effect.gen(function* () {
    const declared = yield* declaredIn(folder)
    if (declared === undefined) return
    const known = yield* Effect.option(directory.current)
    if (known._tag === "Some" && sameRoles(known.value.roles, declared)) return
    const { reached, seq } = yield* directory.publish(declared)
    yield* Effect.logInfo("the roles were published").pipe(
      Effect.annotateLogs({ roles: declared.length, reached, seq })
    )
  })
  yield* Effect.ignore(bootstrap.joined).pipe(
    Effect.andThen(Effect.retry(publish, soon)),
    Effect.catch((error) => Effect.logError("the roles of roles.toml could not be published", error)),
    Effect.forkScoped
  )
})

export const layer = (folder: string) => Layer.effectDiscard(make(folder))
