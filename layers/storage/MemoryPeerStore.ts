/** A saved routing table that lasts as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { PeerStore, type StoredPeer } from "#services/storage/PeerStore"

const MOST_PEERS = 1_024

/** `initial` is what an earlier run would have left. */
export const make = (initial: ReadonlyArray<StoredPeer> = []) =>
  Effect.sync(() => {
    let held = new Map<string, StoredPeer>()
    const keep = (peers: ReadonlyArray<StoredPeer>) => {
      held = new Map(peers.slice(0, MOST_PEERS).map((peer) => [keyOf(peer.nodeId), peer]))
    }
    keep(initial)
    return PeerStore.of({
      save: (peers) => Effect.sync(() => keep(peers)),
      load: Effect.sync(() => [...held.values()].sort((a, b) => b.lastSeen - a.lastSeen))
    })
  })

export const layer = (initial?: ReadonlyArray<StoredPeer>): Layer.Layer<PeerStore> =>
  Layer.effect(PeerStore, make(initial))
