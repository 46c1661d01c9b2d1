/** What every PeerStore keeps. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { PeerStore } from "#services/storage/PeerStore"

const peer = (n: number, lastSeen: number) => ({
  nodeId: new Uint8Array(32).fill(n),
  record: Uint8Array.of(n, n),
  lastSeen
})

export const peerStoreLaws = <E>(name: string, layer: Layer.Layer<PeerStore, E>) => {
  describe(`${name} keeps the laws of PeerStore`, () => {
    it.effect("loads what was saved last, latest seen first", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        assert.deepStrictEqual(yield* store.load, [])
        yield* store.save([peer(9, 1)])
        yield* store.save([peer(1, 10), peer(2, 30), peer(3, 20)])
        assert.deepStrictEqual(
          (yield* store.load).map((it) => it.lastSeen),
          [30, 20, 10]
        )
        assert.deepStrictEqual((yield* store.load)[0], peer(2, 30))
      }).pipe(Effect.provide(layer))
    )

    it.effect("keeps at most 1,024 peers", () =>
      Effect.gen(function* () {
        const store = yield* PeerStore
        const many = Array.from({ length: 1_100 }, (_, n) => ({
          ...peer(0, n),
          nodeId: Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? n >> 8 : n & 255))
        }))
        yield* store.save(many)
        assert.strictEqual((yield* store.load).length, 1_024)
      }).pipe(Effect.provide(layer))
    )
  })
}
