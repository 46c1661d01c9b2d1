/** What `allium role init` does. Doing it again changes nothing and prints the same. */
import { join } from "node:path"
import { Effect } from "effect"
import { ROLES_FILE } from "#layers/ucxl/DeclaredRoles"
import { mayRun, readText, rolesFileOf, writeText } from "./authority.ts"
import { failure } from "./Failure.ts"
import { identityOf } from "./identityOf.ts"
import { note, tell } from "./output.ts"
import { rolesTemplate } from "./rolesToml.ts"
import { loadSettings, SETTINGS_FILE, template, withSetting } from "./settings.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const initRoles = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const { identity, settings } = yield* identityOf(data)
  const { did } = identity
  const file = join(data, SETTINGS_FILE)
  if (settings.authority !== "" && settings.authority !== did) {
    return yield* failure(
      `this node goes by the roles of ${settings.authority}: remove that from ${file} (or ALLIUM_AUTHORITY) to keep roles of its own`
    )
  }
  if (settings.authority === "") {
    yield* writeText(file, withSetting((yield* readText(file)) ?? template(), "authority", did))
    const { authority } = yield* loadSettings(data, {})
    if (authority !== did) return yield* failure(`${file} could not be changed: write authority = "${did}" into it`)
  }
  const roles = rolesFileOf(data)
  if ((yield* readText(roles)) === undefined) yield* writeText(roles, rolesTemplate())
  yield* tell(json, { authority: did, roles, restart: mayRun(data) }, () => did)
  yield* note(
    `this node keeps the roles in ${join(data, ROLES_FILE)}: add one with "allium role add NAME --level LEVEL"`
  )
  yield* note(`every other node names it: authority = "${did}" in its allium.toml, or ALLIUM_AUTHORITY`)
  if (mayRun(data)) yield* note("restart the node that is running here: it reads the authority when it starts")
})
