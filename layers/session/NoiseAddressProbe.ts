/**
 * Verifies an address by half a Noise handshake. The second message of XX already proves the responder's static key,
 * and its record binds that to a NodeId; this side hangs up before the third and shows nothing of itself.
 */
import { Clock, Effect, Layer, Result } from "effect"
import { make as makeHandshake } from "#core/session/Noise/HandshakeState"
import { nodeIdShort } from "#schemas/identity/NodeId"
import { BOOT_BYTES } from "#schemas/session/HandshakeMessage"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { KnownPeers } from "#services/identity/KnownPeers"
import { SecureRandom } from "#services/identity/SecureRandom"
import { AddressProbe } from "#services/session/AddressProbe"
import { HandshakeDeadline } from "#services/session/Schedules"
import { ConnectFailed, type DialTarget, SessionManager } from "#services/session/SessionManager"
import { TransportManager } from "#services/transport/TransportManager"
import { Turns } from "./Handshaker.ts"
import { makeIntroducer } from "./introductions.ts"
import { prologueOf } from "./noiseHandshake.ts"

const NOTHING = new Uint8Array(0)
const SECRET_BYTES = 32

export const make = Effect.gen(function* () {
  const [suite, identity, random] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  const [book, sessions, transports] = [yield* KnownPeers, yield* SessionManager, yield* TransportManager]
  const [clock, deadline] = [yield* Clock.Clock, yield* HandshakeDeadline]
  const introducer = makeIntroducer({
    self: sessions.self,
    boot: random.bytes(BOOT_BYTES),
    book,
    now: () => clock.currentTimeMillisUnsafe(),
    isBanned: () => false
  })

  const verify = Effect.fnUntraced(function* (target: DialTarget) {
    const refuse = (layer: ConnectFailed["layer"], reason: string) =>
      new ConnectFailed({ peer: nodeIdShort(target.nodeId), layer, reason })
    const trusted = target.trusted === true || identity.local
    const connection = yield* transports
      .dial(target.addresses, { trusted })
      .pipe(Effect.mapError(({ reason }) => refuse("transport", reason)))
    const turns = new Turns(connection)
    const state = makeHandshake({
      suite,
      role: "initiator",
      prologue: prologueOf(identity.networkId),
      staticKey: identity.noise,
      ephemeralKey: suite.agreementKey(random.bytes(SECRET_BYTES))
    })
    turns.say(Result.getOrThrow(state.writeMessage(NOTHING)))
    const answer = yield* turns.hear.pipe(Effect.mapError(({ reason }) => refuse("handshake", reason)))
    const payload = state.readMessage(answer)
    if (Result.isFailure(payload)) return yield* refuse("handshake", payload.failure)
    const peer = introducer.judge(payload.success, state.remoteStatic, target.nodeId)
    if (Result.isFailure(peer)) return yield* refuse("handshake", peer.failure.reason)
  }, Effect.scoped)

  return AddressProbe.of({
    verify: (target) =>
      Effect.timeoutOrElse(verify(target), {
        duration: deadline,
        orElse: () =>
          Effect.fail(new ConnectFailed({ peer: nodeIdShort(target.nodeId), layer: "handshake", reason: "timeout" }))
      })
  })
})

export const layer = Layer.effect(AddressProbe, make)
