/** Noise XX over HANDSHAKE frames (WIRE.md §3). */
import { Effect, Result } from "effect"
import { type HandshakeFailure, type HandshakeState, make } from "#core/session/Noise/HandshakeState"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { Connection } from "#services/transport/Transport"
import { HandshakeFailed, type Handshaker, Turns } from "./Handshaker.ts"
import type { Introducer } from "./introductions.ts"

const NOTHING = new Uint8Array(0)
const SECRET_BYTES = 32

/** Whoever speaks for another network fails at the first mac: the prologue is part of the transcript. */
export const prologueOf = (networkId: Uint8Array): Uint8Array => concatBytes([utf8("allium/1"), networkId])

const REASONS: Record<HandshakeFailure, HandshakeFailed["reason"]> = {
  "out of turn": "malformed",
  "too short": "malformed",
  "too long": "malformed",
  "zero agreement": "zero agreement",
  "not authentic": "bad mac"
}

const orFail = <A>(result: Result.Result<A, HandshakeFailure>): Effect.Effect<A, HandshakeFailed> =>
  Result.isSuccess(result)
    ? Effect.succeed(result.success)
    : Effect.fail(new HandshakeFailed({ reason: REASONS[result.failure] }))

/** With the static key of this node, for its network. */
export const makeNoiseHandshaker = Effect.gen(function* () {
  const [suite, identity, random] = [yield* Crypto, yield* Identity, yield* SecureRandom]
  const prologue = prologueOf(identity.networkId)

  const begin = (role: "initiator" | "responder"): HandshakeState =>
    make({
      suite,
      role,
      prologue,
      staticKey: identity.noise,
      ephemeralKey: suite.agreementKey(random.bytes(SECRET_BYTES))
    })

  return (introducer: Introducer): Handshaker => {
    /** The second message proves the responder's static key, and its record binds that to a NodeId. */
    const meet = Effect.fnUntraced(function* (connection: Connection, expected: NodeId) {
      const [state, turns] = [begin("initiator"), new Turns(connection)]
      turns.say([yield* orFail(state.writeMessage(NOTHING))])
      const payload = yield* orFail(state.readMessage(yield* turns.hear))
      const peer = yield* Effect.fromResult(introducer.judge(payload, state.remoteStatic, expected))
      return { peer, state, turns }
    })

    return {
      dial: Effect.fnUntraced(function* (connection, expected) {
        const { peer, state, turns } = yield* meet(connection, expected)
        turns.say([yield* orFail(state.writeMessage(concatBytes(introducer.own(connection.address))))])
        return { ...peer, ...ciphersOf(state), rest: turns.rest }
      }),
      probe: (connection, expected) => Effect.asVoid(meet(connection, expected)),
      accept: Effect.fnUntraced(function* (connection) {
        const turns = new Turns(connection)
        const first = yield* turns.hear
        const state = begin("responder") // not before somebody really speaks: the key costs 50 µs
        const greeting = yield* orFail(state.readMessage(first))
        if (greeting.length > 0) return yield* new HandshakeFailed({ reason: "malformed" })
        turns.say([yield* orFail(state.writeMessage(concatBytes(introducer.own(connection.address))))])
        const payload = yield* orFail(state.readMessage(yield* turns.hear))
        const peer = yield* Effect.fromResult(introducer.judge(payload, state.remoteStatic, undefined))
        return { ...peer, ...ciphersOf(state), rest: turns.rest }
      })
    }
  }
})

const ciphersOf = (state: HandshakeState) => {
  const { receive, send } = state.split()
  return { send, receive }
}
