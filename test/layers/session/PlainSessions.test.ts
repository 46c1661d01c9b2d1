import { describe } from "@effect/vitest"
import * as PlainSessions from "#layers/session/PlainSessions"
import { sessionLaws } from "../../laws/sessions.ts"

describe("PlainSessions", () => {
  sessionLaws(PlainSessions.layer)
})
