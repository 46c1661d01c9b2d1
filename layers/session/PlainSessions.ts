/** Sessions without encryption, for simulations of thousands of nodes: who says he is somebody is believed. */
import { Effect, Layer } from "effect"
import { Identity } from "#services/identity/Identity"
import { SessionManager } from "#services/session/SessionManager"
import { makeSessions, type SessionOptions } from "./makeSessions.ts"
import { makePlainHandshaker } from "./plainHandshake.ts"

export const make = Effect.fnUntraced(function* (options: SessionOptions) {
  const { networkId } = yield* Identity
  return yield* makeSessions(options, makePlainHandshaker(networkId))
})

export const layer = (options: SessionOptions) => Layer.effect(SessionManager, make(options))
