/** Sessions as WIRE.md §3 has them: Noise XX, every frame sealed. The way of every real network. */
import { Effect, Layer } from "effect"
import { SessionManager } from "#services/session/SessionManager"
import { makeSessions, type SessionOptions } from "./makeSessions.ts"
import { makeNoiseHandshaker } from "./noiseHandshake.ts"

export const make = Effect.fnUntraced(function* (options: SessionOptions) {
  return yield* makeSessions(options, yield* makeNoiseHandshaker)
})

export const layer = (options: SessionOptions) => Layer.effect(SessionManager, make(options))
