/** Verifies addresses without any agreement of keys: the probe beside PlainSessions, for simulations. */
import { Effect, Layer } from "effect"
import { AddressProbe } from "#services/session/AddressProbe"
import { makeAddressProbe } from "./makeAddressProbe.ts"
import { makePlainHandshaker } from "./plainHandshake.ts"

export const make = Effect.flatMap(makePlainHandshaker, makeAddressProbe)

export const layer = Layer.effect(AddressProbe, make)
