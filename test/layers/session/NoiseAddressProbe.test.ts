import { describe } from "@effect/vitest"
import * as NoiseAddressProbe from "#layers/session/NoiseAddressProbe"
import * as NoiseSessions from "#layers/session/NoiseSessions"
import { addressProbeLaws } from "../../laws/addressProbe.ts"

describe("NoiseAddressProbe", () => {
  addressProbeLaws(NoiseSessions.layer, NoiseAddressProbe.layer)
})
