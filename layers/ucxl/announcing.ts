/** Says that this node serves a content, and finds who does. */
import { Effect, Option } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { Replicator } from "#services/dht/Replicator"
import type { Tell } from "./notices.ts"
import type { Reading } from "./reading.ts"
import type { StoreState } from "./StoreState.ts"
import type { Versions } from "./versions.ts"

/** Of a network: without one everything is here already. */
const maybe = <A, E, R>(effect: Effect.Effect<Option.Option<A>, E, R>): Effect.Effect<A | undefined, E, R> =>
  Effect.map(effect, Option.getOrUndefined)

export const makeAnnouncing = Effect.fnUntraced(function* (
  { dht, directory, self }: StoreState,
  reading: Reading,
  versions: Versions,
  tell: Tell
) {
  const replicator = yield* maybe(Effect.serviceOption(Replicator))

  /** Of somebody else's content this node first gets a copy, which it keeps: it is to be had here from now on. */
  const announce = Effect.fnUntraced(function* (address: UcxlAddress) {
    const { linked, located } = yield* versions.newest(address)
    const isOwn = equalBytes(located.author, self.publicKey)
    for (const cid of [located.cid, located.metadataCid]) {
      if (!isOwn && replicator !== undefined) yield* replicator.addContent(cid)
      yield* dht.provide(cid)
    }
    if (isOwn) tell(address, located.seq, linked)
    return linked.metadata
  })

  const discover = Effect.fnUntraced(function* (address: UcxlAddress) {
    const list = yield* directory.current
    const { located } = yield* reading.locate(address, list)
    return yield* Effect.catchTag(dht.findProviders(located.cid), "PrivacyUnavailable", Effect.die)
  })

  return { announce, discover }
})
