/** The book of verified peers, empty at start. */
import { Effect, Layer } from "effect"
import { PeerBook } from "#core/identity/PeerBook"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { PeerBookLimit } from "#services/identity/Limits"
import { SharedContacts } from "#services/identity/SharedContacts"
import { Bounds } from "#services/node/Bounds"

export const make = Effect.gen(function* () {
  const { networkId } = yield* Identity
  const limit = yield* PeerBookLimit
  const book = new PeerBook(yield* Crypto, networkId, { limit, shared: yield* SharedContacts })
  yield* (yield* Bounds).watch("known peers", limit, () => book.size)
  return book
})

export const layer = Layer.effect(KnownPeers, make)
