/** The book of verified peers, empty at start. */
import { Effect, Layer } from "effect"
import { PeerBook } from "#core/identity/PeerBook"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"

export const make = Effect.gen(function* () {
  const { networkId } = yield* Identity
  return new PeerBook(yield* Crypto, networkId)
})

export const layer = Layer.effect(KnownPeers, make)
