/** The Dht over the network: its reading and its writing half. */
import { Effect, Layer } from "effect"
import { digestOf } from "#schemas/content/Cid"
import { Dht } from "#services/dht/Dht"
import { REPLICATION_FACTOR } from "#services/dht/Limits"
import { makeReader } from "./reading.ts"
import { makeRefresher } from "./refreshing.ts"
import { makeSender } from "./sending.ts"
import { makeWriter } from "./writing.ts"

export interface DhtOptions {
  /** Replicas of a record where a put does not say, 1 to 20; 5 by default. */
  readonly replicationFactor?: number
}

export const make = Effect.fnUntraced(function* (options: DhtOptions = {}) {
  const reader = yield* makeReader
  const sender = yield* makeSender(options.replicationFactor ?? REPLICATION_FACTOR)
  const writing = yield* makeWriter(sender)
  const { announce, nextVersion, ...writer } = writing
  const refresh = yield* makeRefresher(sender, writing)
  return Dht.of({ ...reader, ...writer, refresh, provide: (cid, putOptions) => announce(digestOf(cid), putOptions) })
})

export const layer = (options?: DhtOptions) => Layer.effect(Dht, make(options))
