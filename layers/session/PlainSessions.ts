/** Sessions without encryption, for simulations of thousands of nodes: who says he is somebody is believed. */
import { Effect, Layer } from "effect"
import { SessionManager } from "#services/session/SessionManager"
import { makeSessions, type SessionOptions } from "./makeSessions.ts"
import { makePlainHandshaker } from "./plainHandshake.ts"

export const make = Effect.fnUntraced(function* (options: SessionOptions) {
  return yield* makeSessions(options, yield* makePlainHandshaker)
})

export const layer = (options: SessionOptions) => Layer.effect(SessionManager, make(options))
