import { describe } from "@effect/vitest"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import { sessionLaws } from "../../laws/sessions.ts"

describe("NoiseSessions", () => {
  sessionLaws(NoiseSessions.layer)
})
