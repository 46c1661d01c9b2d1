/** Who the node on a data folder is, and what its settings say; the identity is made where there is none yet. */
import { Effect, Layer } from "effect"
import * as FileKeyStore from "#layers/identity/FileKeyStore"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import { Identity } from "#services/identity/Identity"
import { toFailure } from "./sentences.ts"
import { loadSettings } from "./settings.ts"

export const identityOf = Effect.fnUntraced(function* (data: string) {
  const settings = yield* loadSettings(data, {})
  const layer = KeyStoreIdentity.layer(settings).pipe(
    Layer.provide(FileKeyStore.layer(data)),
    Layer.provide([NodeCrypto.layer, NodeRandom.layer])
  )
  const identity = yield* Identity.pipe(Effect.provide(layer), Effect.mapError(toFailure))
  return { identity, settings }
})
