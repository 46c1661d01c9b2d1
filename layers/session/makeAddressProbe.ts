/**
 * Verifies an address by half a handshake, for any way of shaking hands: the responder proves itself, this side hangs
 * up before its turn to do so.
 */
import { Clock, Effect, Result } from "effect"
import { makeSharedDeadline } from "#layers/transport/sharedDeadline"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { BOOT_BYTES } from "#schemas/session/HandshakeMessage"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { AddressProbe } from "#services/session/AddressProbe"
import { HandshakeDeadline } from "#services/session/Schedules"
import { ConnectFailed, type DialTarget, SessionManager } from "#services/session/SessionManager"
import type { GiveUp } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import type { Handshaker } from "./Handshaker.ts"
import { type Introduced, type Introducer, makeIntroducer } from "./introductions.ts"
import { makeOnDefect } from "./reporting.ts"
import { Shaking } from "./shaking.ts"

/** This side hangs up before it is its turn to say who it is. */
const unshown = () => ({ minor: 0, agent: "", mode: "client", capabilities: [], maxInFlight: 1 }) as const

export const makeAddressProbe = Effect.fnUntraced(function* (handshakerOf: (introducer: Introducer) => Handshaker) {
  const [identity, random] = [yield* Identity, yield* SecureRandom]
  const [book, sessions, transports] = [yield* KnownPeers, yield* SessionManager, yield* TransportManager]
  const [clock, deadline] = [yield* Clock.Clock, yield* makeSharedDeadline(yield* HandshakeDeadline)]
  const onDefect = yield* makeOnDefect
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

  const verify = (target: DialTarget): Effect.Effect<void, ConnectFailed> =>
    Effect.callback((resume) => {
      let isOver = false
      let stop: GiveUp = () => {}
      const giveUp = (): void => {
        isOver = true
        leave()
        stop()
      }
      const leave = deadline(() => {
        giveUp()
        resume(refuse(target, "handshake", "timeout"))
      })
      const end = (outcome: Effect.Effect<void, ConnectFailed>): void => {
        if (isOver) return
        isOver = true
        leave()
        resume(outcome)
      }
      let isDialled = false
      const trusted = target.trusted === true || identity.local
      const hangUp = transports.dial(target.addresses, { trusted }, (dialled) => {
        isDialled = true
        if (Result.isFailure(dialled)) return end(refuse(target, "transport", dialled.failure.reason))
        const connection = dialled.success
        stop = connection.finish.bind(connection)
        new Shaking<Introduced>(connection, handshaker.probe(target.nodeId), onDefect, (outcome) => {
          connection.finish()
          end(typeof outcome === "string" ? refuse(target, "handshake", outcome) : Effect.void)
        }).begin()
      })
      if (!isDialled) stop = hangUp
      return Effect.sync(giveUp)
    })

  return AddressProbe.of({ verify })
})
