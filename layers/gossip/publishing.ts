/** Own messages: signed, remembered, and handed to the mesh or to the fan-out. */
import { Clock, Effect } from "effect"
import { signArray } from "#core/identity/signature"
import { TokenBucket } from "#core/session/TokenBucket"
import { keyOf } from "#schemas/bytes/bytes"
import { write as writeFrame } from "#schemas/gossip/GossipFrame"
import { DATA_LIMIT, LABEL, unsigned, write } from "#schemas/gossip/GossipMessage"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { type Gossip, NotJoined, TooLarge } from "#services/gossip/Gossip"
import { PUBLISH_RATE } from "#services/gossip/Limits"
import { published } from "#services/gossip/Metrics"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import type { GossipState } from "./GossipState.ts"

export const makePublisher = Effect.fnUntraced(function* (
  { cache, mesh, now, seen }: GossipState,
  hand: (peer: string, payload: Uint8Array) => boolean
) {
  const [suite, { networkId, signing }, clock] = [yield* Crypto, yield* Identity, yield* Clock.Clock]
  const context = yield* Effect.context<never>()
  const pace = new TokenBucket(PUBLISH_RATE, clock.currentTimeMillisUnsafe())
  let lastIssued = Number.NEGATIVE_INFINITY

  const publish: Gossip["Service"]["publish"] = Effect.fn("MeshGossip.publish")(function* (topic, data, options) {
    if (data.length > DATA_LIMIT) return yield* new TooLarge({ bytes: data.length, limit: DATA_LIMIT })
    const wait = pace.take(1, now())
    if (wait > 0) yield* Effect.sleep(wait)
    const key = keyOf(topic)
    const targets = [...mesh.targets(key, now())]
    if (targets.length === 0 && !mesh.hasJoined(key)) return yield* new NotJoined()
    const author = options?.author ?? signing
    // No two alike: the same data again is another message, and a later one.
    lastIssued = Math.max(now(), lastIssued + 1)
    const message = { topic, author: author.publicKey as PublicKey, issued: lastIssued, data }
    const bytes = write({ ...message, signature: signArray(author, LABEL, networkId, unsigned(message)) })
    const id = suite.sha256(bytes)
    seen.add(keyOf(id), "taken", now())
    cache.put(keyOf(id), key, bytes)
    published.updateUnsafe(1, context)
    const payload = writeFrame({ messages: [bytes] })
    return { id, neighbours: targets.filter((peer) => hand(peer, payload)).length }
  })
  return publish
})
