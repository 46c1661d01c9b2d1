/** The portable suite as a layer, for runtimes without `node:crypto` and for comparison. */
import { Layer } from "effect"
import { nobleSuite } from "#core/identity/nobleSuite"
import { Crypto } from "#services/identity/Crypto"

export const layer = Layer.succeed(Crypto, nobleSuite)
