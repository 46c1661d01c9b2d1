/** A saved routing table that lasts as long as the layer: for tests, the simulator and nodes without a disk. */
import { Effect, Layer } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import { PeerStore, type StoredPeer } from "#services/storage/PeerStore"

const MOST_PEERS = 1_024

/** What a PeerStore holds between a save and the next. */
export class SavedPeers {
  #held = new Map<string, StoredPeer>()

  keep(peers: ReadonlyArray<StoredPeer>): void {
    this.#held = new Map(peers.slice(0, MOST_PEERS).map((peer) => [keyOf(peer.nodeId), peer]))
  }

  latestFirst(): Array<StoredPeer> {
    return [...this.#held.values()].sort((a, b) => b.lastSeen - a.lastSeen)
  }
}

/** `initial` is what an earlier run would have left. */
export const make = (initial: ReadonlyArray<StoredPeer> = []) =>
  Effect.sync(() => {
    const saved = new SavedPeers()
    saved.keep(initial)
    return PeerStore.of({
      save: (peers) => Effect.sync(() => saved.keep(peers)),
      load: Effect.sync(() => saved.latestFirst())
    })
  })

export const layer = (initial?: ReadonlyArray<StoredPeer>): Layer.Layer<PeerStore> =>
  Layer.effect(PeerStore, make(initial))
