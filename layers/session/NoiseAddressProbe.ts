/** Verifies addresses by half a Noise handshake: the probe beside NoiseSessions. */
import { Effect, Layer } from "effect"
import { AddressProbe } from "#services/session/AddressProbe"
import { makeAddressProbe } from "./makeAddressProbe.ts"
import { makeNoiseHandshaker } from "./noiseHandshake.ts"

export const make = Effect.flatMap(makeNoiseHandshaker, makeAddressProbe)

export const layer = Layer.effect(AddressProbe, make)
