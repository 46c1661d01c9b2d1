/**
 * What Allium signs: a label and the network before the bytes, so that no signature serves for another kind of thing
 * or in another network (WIRE §1).
 */
import { Result } from "effect"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { signedElements } from "#schemas/dht/Record"
import type { NodeId } from "#schemas/identity/NodeId"
import type { SigningKey, Suite } from "./Suite.ts"

const END_OF_LABEL = Uint8Array.of(0)

/** SHA-256("allium/1 network" ‖ name): what every signature and every handshake is bound to. */
export const networkIdOf = (suite: Suite, name: string): Uint8Array => suite.sha256(utf8(`allium/1 network${name}`))

export const nodeIdOf = (suite: Suite, publicKey: Uint8Array): NodeId => suite.sha256(publicKey) as NodeId

/** The bytes under the signature; `array` is the CBOR of all elements but the signature. */
export const signatureMessage = (label: string, networkId: Uint8Array, array: Uint8Array): Uint8Array =>
  concatBytes([utf8(`allium/1 ${label}`), END_OF_LABEL, networkId, array])

export const signArray = (key: SigningKey, label: string, networkId: Uint8Array, array: Uint8Array): Uint8Array =>
  key.sign(signatureMessage(label, networkId, array))

/**
 * Whether a record, as received, carries at `signatureIndex` a signature of this key over all its other elements. A
 * record that cannot be taken apart is not signed.
 */
export const verifyRecord = (
  suite: Suite,
  label: string,
  networkId: Uint8Array,
  publicKey: Uint8Array,
  record: Uint8Array,
  signatureIndex: number
): boolean => {
  const parts = signedElements(record, signatureIndex)
  if (Result.isFailure(parts)) return false
  const { message, signature } = parts.success
  return suite.verify(publicKey, signatureMessage(label, networkId, message), signature)
}
