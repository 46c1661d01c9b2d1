import { describe } from "@effect/vitest"
import * as PlainAddressProbe from "#layers/session/PlainAddressProbe"
import * as PlainSessions from "#layers/session/PlainSessions"
import { addressProbeLaws } from "../../laws/addressProbe.ts"

describe("PlainAddressProbe", () => {
  addressProbeLaws(PlainSessions.layer, PlainAddressProbe.layer)
})
