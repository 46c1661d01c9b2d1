/** The cryptographic suite of this process. Layers take it once and hand it to the core as an argument. */
import { Context } from "effect"
import type { Suite } from "#core/identity/Suite"

export class Crypto extends Context.Service<Crypto, Suite>()("allium/services/identity/Crypto") {}
