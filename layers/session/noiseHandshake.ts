/** Noise XX over HANDSHAKE frames (WIRE.md §3). */
import { Effect, Result } from "effect"
import type { AgreementKey, Suite } from "#core/identity/Suite"
import { type HandshakeFailure, type HandshakeState, make } from "#core/session/Noise/HandshakeState"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { HandshakeFailed, type Handshaker, Turns } from "./Handshaker.ts"
import type { Introducer } from "./introductions.ts"

const NOTHING = new Uint8Array(0)

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

export interface NoiseOptions {
  readonly suite: Suite
  readonly staticKey: AgreementKey
  readonly networkId: Uint8Array
  readonly secret: () => Uint8Array
}

export const makeNoiseHandshaker =
  (options: NoiseOptions) =>
  (introducer: Introducer): Handshaker => {
    const { suite, staticKey } = options
    const prologue = prologueOf(options.networkId)

    const begin = (role: "initiator" | "responder"): HandshakeState =>
      make({ suite, role, prologue, staticKey, ephemeralKey: suite.agreementKey(options.secret()) })

    return {
      dial: Effect.fnUntraced(function* (connection, expected) {
        const [state, turns] = [begin("initiator"), new Turns(connection)]
        turns.say(yield* orFail(state.writeMessage(NOTHING)))
        const payload = yield* orFail(state.readMessage(yield* turns.hear))
        const peer = yield* Effect.fromResult(introducer.judge(payload, state.remoteStatic, expected))
        turns.say(yield* orFail(state.writeMessage(introducer.own())))
        return { ...peer, ...ciphersOf(state), rest: turns.rest }
      }),
      accept: Effect.fnUntraced(function* (connection) {
        const turns = new Turns(connection)
        const first = yield* turns.hear
        const state = begin("responder") // not before somebody really speaks: the key costs 50 µs
        const greeting = yield* orFail(state.readMessage(first))
        if (greeting.length > 0) return yield* new HandshakeFailed({ reason: "malformed" })
        turns.say(yield* orFail(state.writeMessage(introducer.own())))
        const payload = yield* orFail(state.readMessage(yield* turns.hear))
        const peer = yield* Effect.fromResult(introducer.judge(payload, state.remoteStatic, undefined))
        return { ...peer, ...ciphersOf(state), rest: turns.rest }
      })
    }
  }

const ciphersOf = (state: HandshakeState) => {
  const { receive, send } = state.split()
  return { send, receive }
}
