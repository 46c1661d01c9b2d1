/**
 * Secret bytes, at once. `effect/crypto` has a service of this name, but each draw of it is an Effect; keys, nonces and
 * message ids are drawn inside plain functions here. Tests and simulations provide a seeded one.
 */
import { Context } from "effect"

export class SecureRandom extends Context.Service<
  SecureRandom,
  {
    /** `count` fresh bytes, the caller's to keep. */
    readonly bytes: (count: number) => Uint8Array
  }
>()("allium/services/identity/SecureRandom") {}
