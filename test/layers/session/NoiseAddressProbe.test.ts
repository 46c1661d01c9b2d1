import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as SeededRandom from "#layers/identity/SeededRandom"
import * as VerifiedPeers from "#layers/identity/VerifiedPeers"
import * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import * as RacingTransportManager from "#layers/transport/RacingTransportManager"
import { type Address, parseAddress } from "#schemas/transport/Address"
import { AddressProbe } from "#services/session/AddressProbe"
import { SessionManager } from "#services/session/SessionManager"

const at = (text: string): Address => Result.getOrThrow(parseAddress(text))

const node = Effect.fnUntraced(function* (seed: string, listen: string) {
  const services = yield* Layer.build(
    NoiseAddressProbe.layer.pipe(
      Layer.provideMerge(NoiseSessions.layer({ listen: [at(listen)] })),
      Layer.provideMerge(VerifiedPeers.layer),
      Layer.provideMerge(RacingTransportManager.layer.pipe(Layer.provide(MemoryTransport.layer))),
      Layer.provideMerge(KeyStoreIdentity.layer({ network: "main", local: true })),
      Layer.provideMerge(MemoryKeyStore.layer),
      Layer.provideMerge(SeededRandom.layer(seed)),
      Layer.provideMerge(NodeCrypto.layer)
    )
  )
  const sessions = Context.get(services, SessionManager)
  const target = { nodeId: sessions.self().nodeId, addresses: sessions.listening() }
  return { sessions, target, probe: Context.get(services, AddressProbe) }
})

describe("NoiseAddressProbe", () => {
  it.effect("finds a peer at its address without opening a session, and beside one that is open", () =>
    Effect.gen(function* () {
      const [a, b] = [yield* node("a", "/memory/1"), yield* node("b", "/memory/2")]
      yield* a.probe.verify(b.target)
      assert.strictEqual(a.sessions.list().length + b.sessions.list().length, 0)
      const session = yield* b.sessions.connect({ ...a.target, trusted: true })
      yield* a.probe.verify(b.target)
      assert.isTrue(session.isOpen())
      assert.strictEqual(a.sessions.list().length, 1)
    }).pipe(Effect.provide(MemoryTransport.hub), Effect.scoped)
  )

  it.effect("does not take another node at that address for the peer, nor an empty address", () =>
    Effect.gen(function* () {
      const [a, b, c] = [yield* node("a", "/memory/1"), yield* node("b", "/memory/2"), yield* node("c", "/memory/3")]
      const elsewhere = yield* Effect.flip(a.probe.verify({ ...b.target, addresses: c.target.addresses }))
      assert.deepInclude(elsewhere, { layer: "handshake", reason: "wrong peer" })
      const nobody = yield* Effect.flip(a.probe.verify({ ...b.target, addresses: [at("/memory/99")] }))
      assert.strictEqual(nobody.layer, "transport")
    }).pipe(Effect.provide(MemoryTransport.hub), Effect.scoped)
  )
})
