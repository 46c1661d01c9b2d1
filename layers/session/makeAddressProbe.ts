/**
 * Verifies an address by half a handshake, for any way of shaking hands: the responder proves itself, this side hangs
 * up before its turn to do so.
 */
import { Clock, Effect } from "effect"
import { makeSharedDeadline } from "#layers/transport/sharedDeadline"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { BOOT_BYTES } from "#schemas/session/HandshakeMessage"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { AddressProbe } from "#services/session/AddressProbe"
import { HandshakeDeadline } from "#services/session/Schedules"
import { ConnectFailed, type DialTarget, SessionManager } from "#services/session/SessionManager"
import { TransportManager } from "#services/transport/TransportManager"
import type { Handshaker } from "./Handshaker.ts"
import { type Introducer, makeIntroducer } from "./introductions.ts"

/** This side hangs up before it is its turn to say who it is. */
const unshown = () => ({ minor: 0, agent: "", mode: "client", capabilities: [], maxInFlight: 1 }) as const

export const makeAddressProbe = Effect.fnUntraced(function* (handshakerOf: (introducer: Introducer) => Handshaker) {
  const [identity, random] = [yield* Identity, yield* SecureRandom]
  const [book, sessions, transports] = [yield* KnownPeers, yield* SessionManager, yield* TransportManager]
  const [clock, within] = [yield* Clock.Clock, yield* makeSharedDeadline(yield* HandshakeDeadline)]
  const handshaker = handshakerOf(
    makeIntroducer({
      self: sessions.self,
      boot: random.bytes(BOOT_BYTES),
      hello: unshown,
      book,
      now: () => clock.currentTimeMillisUnsafe(),
      isBanned: () => false
    })
  )

  const refuse = (target: DialTarget, layer: ConnectFailed["layer"], reason: string) =>
    new ConnectFailed({ peer: nodeIdShort(target.nodeId), layer, reason })

  const verify = Effect.fnUntraced(function* (target: DialTarget) {
    const connection = yield* transports
      .dial(target.addresses, { trusted: target.trusted === true || identity.local })
      .pipe(Effect.mapError(({ reason }) => refuse(target, "transport", reason)))
    yield* handshaker
      .probe(connection, target.nodeId)
      .pipe(Effect.mapError(({ reason }) => refuse(target, "handshake", reason)))
  }, Effect.scoped)

  return AddressProbe.of({
    verify: (target) => within(verify(target), () => refuse(target, "handshake", "timeout"))
  })
})
