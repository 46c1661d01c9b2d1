/** Takes the DHT's requests and answers none, not even that it is busy. */
import { Effect, Layer } from "effect"
import { FrameType } from "#schemas/session/Frame"
import { SessionManager } from "#services/session/SessionManager"

export const layer = Layer.effectDiscard(
  // In the place of the handler of Rpc, which would say "Busy" once too many answers are owed.
  Effect.flatMap(SessionManager, (sessions) => sessions.onFrame(FrameType.DHT_REQ, () => true))
)
