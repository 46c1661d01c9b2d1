/** What `allium init` does. Doing it again changes nothing and prints the same. */
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { hexOf } from "#schemas/bytes/bytes"
import { failure } from "./Failure.ts"
import { identityOf } from "./identityOf.ts"
import { note, tell } from "./output.ts"
import { SETTINGS_FILE, template } from "./settings.ts"

export const initialise = Effect.fnUntraced(function* (options: { readonly data: string; readonly json: boolean }) {
  const { data, json } = options
  const { identity } = yield* identityOf(data)
  const file = join(data, SETTINGS_FILE)
  if (!existsSync(file)) {
    yield* Effect.try({
      try: () => writeFileSync(file, template(), { flag: "wx" }),
      catch: (cause) => failure(`${file} cannot be written (${String(cause)}): make ${data} writable`)
    })
  }
  yield* tell(json, { did: identity.did, nodeId: hexOf(identity.nodeId), data }, ({ did }) => did)
  yield* note(`the node is ready in ${data}: start it with "allium node --data ${data}"`)
})
