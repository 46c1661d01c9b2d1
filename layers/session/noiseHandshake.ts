/** Noise XX over HANDSHAKE frames (WIRE.md §3). */
import { Effect, Result } from "effect"
import { type HandshakeFailure, type HandshakeState, make } from "#core/session/Noise/HandshakeState"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import type { NodeId } from "#schemas/identity/NodeId"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { SecureRandom } from "#services/identity/SecureRandom"
import type { Established, Handshaker, Refusal, Say } from "./Handshaker.ts"
import type { Introduced, Introducer } from "./introductions.ts"

const NOTHING = new Uint8Array(0)
const SECRET_BYTES = 32

/** Whoever speaks for another network fails at the first mac: the prologue is part of the transcript. */
export const prologueOf = (networkId: Uint8Array): Uint8Array => concatBytes([utf8("allium/1"), networkId])

const REASONS: Record<HandshakeFailure, Refusal> = {
  "out of turn": "malformed",
  "too short": "malformed",
  "too long": "malformed",
  "zero agreement": "zero agreement",
  "not authentic": "bad mac"
}

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
    const met = (state: HandshakeState, message: Uint8Array, expected: NodeId): Introduced | Refusal => {
      const payload = state.readMessage(message)
      if (Result.isFailure(payload)) return REASONS[payload.failure]
      return introducer.judge(payload.success, state.remoteStatic, expected)
    }

    return {
      dial: (expected, observed) => {
        const state = begin("initiator")
        return {
          begin: (say) => void send(state, NOTHING, say),
          hear: (message, say) => {
            const peer = met(state, message, expected)
            if (typeof peer === "string") return peer
            return send(state, concatBytes(introducer.own(observed)), say) ?? established(peer, state)
          }
        }
      },
      probe: (expected) => {
        const state = begin("initiator")
        return {
          begin: (say) => void send(state, NOTHING, say),
          hear: (message) => met(state, message, expected)
        }
      },
      accept: (observed) => {
        let state: HandshakeState | undefined
        return {
          begin: () => {},
          hear: (message, say) => {
            const isFirst = state === undefined
            // Not before somebody really speaks: the key costs 50 µs.
            state ??= begin("responder")
            const payload = state.readMessage(message)
            if (Result.isFailure(payload)) return REASONS[payload.failure]
            if (isFirst) {
              if (payload.success.length > 0) return "malformed"
              return send(state, concatBytes(introducer.own(observed)), say)
            }
            const peer = introducer.judge(payload.success, state.remoteStatic, undefined)
            return typeof peer === "string" ? peer : established(peer, state)
          }
        }
      }
    }
  }
})

/** Says the next message, with this payload; or why it cannot be written. */
const send = (state: HandshakeState, payload: Uint8Array, say: Say): Refusal | undefined => {
  const message = state.writeMessage(payload)
  if (Result.isFailure(message)) return REASONS[message.failure]
  say([message.success])
  return undefined
}

const established = (peer: Introduced, state: HandshakeState): Established => ({ ...peer, ...ciphersOf(state) })

const ciphersOf = (state: HandshakeState) => {
  const { receive, send } = state.split()
  return { send, receive }
}
