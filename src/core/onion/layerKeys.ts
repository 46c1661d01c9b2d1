/** The three keys of one layer, which its builder and its hop come to by themselves (WIRE §4). */
import { Result } from "effect"
import { type AgreementKey, KEY_LENGTH, NONCE_LENGTH, type Suite } from "#core/identity/Suite"
import { utf8 } from "#schemas/bytes/bytes"

const INFO = utf8("allium/1 onion")

export interface LayerKeys {
  /** Seals the header. */
  readonly head: Uint8Array
  /** Masks the rest of the stack. */
  readonly stack: Uint8Array
  /** Seals a request's body, masks a reply's. */
  readonly body: Uint8Array
}

/** Every layer has keys of its own, each of which is used once. */
export const ZERO_NONCE = new Uint8Array(NONCE_LENGTH)

/** The onion key of this hop agrees on nothing: it is a point of small order. */
export interface UnusableKey {
  readonly hop: number
}

/** Both public keys as they were sent: X25519 ignores the top bit, so equal secrets do not prove equal bytes. */
const salt = new Uint8Array(2 * KEY_LENGTH)

export const deriveKeys = (suite: Suite, dh: Uint8Array, ephemeral: Uint8Array, onion: Uint8Array): LayerKeys => {
  salt.set(ephemeral)
  salt.set(onion, KEY_LENGTH)
  const okm = suite.hkdfSha256(dh, salt, INFO, 3 * KEY_LENGTH)
  return {
    head: okm.subarray(0, KEY_LENGTH),
    stack: okm.subarray(KEY_LENGTH, 2 * KEY_LENGTH),
    body: okm.subarray(2 * KEY_LENGTH)
  }
}

/** For the builder: one layer a hop, each with an ephemeral key that nobody has used. */
export const layersOf = (
  suite: Suite,
  hops: ReadonlyArray<{ readonly onion: Uint8Array }>,
  ephemerals: ReadonlyArray<AgreementKey>
): Result.Result<ReadonlyArray<LayerKeys>, UnusableKey> => {
  if (ephemerals.length !== hops.length) throw new RangeError("one ephemeral key a hop")
  const layers: Array<LayerKeys> = []
  for (const [hop, { onion }] of hops.entries()) {
    const ephemeral = ephemerals[hop]!
    const dh = ephemeral.agree(onion)
    if (dh === undefined) return Result.fail({ hop })
    layers.push(deriveKeys(suite, dh, ephemeral.publicKey, onion))
  }
  return Result.succeed(layers)
}
