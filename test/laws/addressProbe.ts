/** What every address probe promises (services/session/AddressProbe.ts), beside the sessions of its kind. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import type * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as MemoryTransport from "#layers/transport/MemoryTransport"
import { KnownPeers } from "#services/identity/KnownPeers"
import { AddressProbe } from "#services/session/AddressProbe"
import { at, makeWorld, type NodeOptions, pass, type SessionsLayer, settle, startNode } from "./sessionWorld.ts"

type ProbeLayer = typeof NoiseAddressProbe.layer

export const addressProbeLaws = (sessions: SessionsLayer, probes: ProbeLayer): void => {
  const node = Effect.fnUntraced(function* (options: NodeOptions) {
    const world = makeWorld(sessions)
    const started = yield* startNode(world, options)
    const services = yield* Layer.build(Layer.provide(probes, Layer.succeedContext(started.services)))
    return {
      ...started,
      world,
      probe: Context.get(services, AddressProbe),
      book: Context.get(started.services, KnownPeers)
    }
  })
  const law = (name: string, body: Effect.Effect<void, unknown, Scope.Scope | MemoryTransport.MemoryHub>) =>
    it.effect(name, () => Effect.scoped(body).pipe(Effect.provide(MemoryTransport.hub)))
  const pair = Effect.all([node({ seed: "a", at: "/memory/1" }), node({ seed: "b", at: "/memory/2" })])

  describe("verifying an address", () => {
    law(
      "finds a peer without opening a session, and beside one that is open",
      Effect.gen(function* () {
        const [a, b] = yield* pair
        yield* a.probe.verify(b.target)
        yield* settle
        assert.deepStrictEqual([a.manager.stats().open, b.manager.stats()], [0, { open: 0, halfOpen: 0, bans: 0 }])
        const session = yield* b.manager.connect(a.target)
        yield* a.probe.verify(b.target)
        assert.isTrue(session.isOpen())
        assert.strictEqual(a.manager.list().length, 1)
      })
    )

    law(
      "shows nothing of who asks",
      Effect.gen(function* () {
        const [a, b] = yield* pair
        yield* a.probe.verify(b.target)
        yield* settle
        assert.isDefined(a.book.find(b.manager.self().publicKey))
        assert.isUndefined(b.book.find(a.manager.self().publicKey))
      })
    )

    law(
      "does not take another node at that address for the peer, nor an empty address",
      Effect.gen(function* () {
        const [a, b] = yield* pair
        const c = yield* node({ seed: "c", at: "/memory/3" })
        const elsewhere = yield* Effect.flip(a.probe.verify({ ...b.target, addresses: c.target.addresses }))
        assert.deepInclude(elsewhere, { layer: "handshake", reason: "wrong peer" })
        const nobody = yield* Effect.flip(a.probe.verify({ ...b.target, addresses: [at("/memory/99")] }))
        assert.strictEqual(nobody.layer, "transport")
      })
    )

    law(
      "fails at a node of another network",
      Effect.gen(function* () {
        const a = yield* node({ seed: "a", network: "elsewhere" })
        const b = yield* node({ seed: "b", at: "/memory/2" })
        const error = yield* Effect.flip(a.probe.verify(b.target))
        assert.deepInclude(error, { layer: "handshake", reason: "bad mac" })
      })
    )

    law(
      "gives up on a peer that says nothing",
      Effect.gen(function* () {
        const [a, b] = yield* pair
        b.world.cut = true
        const waiting = yield* Effect.forkChild(Effect.flip(a.probe.verify(b.target)))
        yield* pass(11)
        assert.deepInclude(waiting.pollUnsafe(), { _tag: "Success" })
      })
    )
  })
}
