/** What `allium init` does. Doing it again changes nothing and prints the same. */
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import * as FileKeyStore from "#layers/identity/FileKeyStore"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import { hexOf } from "#schemas/bytes/bytes"
import { Identity } from "#services/identity/Identity"
import { failure } from "./Failure.ts"
import { note, tell } from "./output.ts"
import { toFailure } from "./sentences.ts"
import { loadSettings, SETTINGS_FILE, template } from "./settings.ts"

export const initialise = Effect.fnUntraced(function* (options: { readonly data: string; readonly json: boolean }) {
  const { data, json } = options
  const settings = yield* loadSettings(data, {})
  const layer = KeyStoreIdentity.layer(settings).pipe(
    Layer.provide(FileKeyStore.layer(data)),
    Layer.provide([NodeCrypto.layer, NodeRandom.layer])
  )
  const identity = yield* Identity.pipe(Effect.provide(layer), Effect.mapError(toFailure))
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
