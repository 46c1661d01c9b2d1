/** The book of verified peers, empty at start. */
import { Effect, Layer } from "effect"
import { PeerBook } from "#core/identity/PeerBook"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { PeerBookLimit } from "#services/identity/Limits"
import { SharedContacts } from "#services/identity/SharedContacts"

export const make = Effect.gen(function* () {
  const { networkId } = yield* Identity
  return new PeerBook(yield* Crypto, networkId, { limit: yield* PeerBookLimit, shared: yield* SharedContacts })
})

export const layer = Layer.effect(KnownPeers, make)
