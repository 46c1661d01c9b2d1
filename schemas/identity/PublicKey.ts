/**
 * An Ed25519 public key, 32 bytes as in RFC 8032. Whether it is a usable point is for the one who verifies with it.
 *
 * Its text form is a DID of the method `key`: "did:key:z" and base58btc of 0xed 0x01 ‖ key, so it begins "did:key:z6Mk".
 */
import { Result, Schema } from "effect"
import { base58btc } from "multiformats/bases/base58"
import { Bytes32, concatBytes } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"

export const PublicKey = Bytes32.pipe(Schema.brand("PublicKey"))
export type PublicKey = typeof PublicKey.Type

/** The multicodec ed25519-pub, 0xed, as a varint. */
const MULTICODEC_PREFIX = Uint8Array.of(0xed, 0x01)

/** The `z` says base58btc. */
const DID_PREFIX = "did:key:z"

/** 34 bytes that begin with 0xed have 47 base58 digits; checked first, as base58 is quadratic. */
const DID_LENGTH = DID_PREFIX.length + 47

export const didOf = (key: Uint8Array): string =>
  DID_PREFIX + base58btc.baseEncode(concatBytes([MULTICODEC_PREFIX, key]))

export const publicKeyOfDid = (did: string): Result.Result<PublicKey, string> => {
  if (!did.startsWith(DID_PREFIX) || did.length !== DID_LENGTH) return Result.fail("not a did:key of an Ed25519 key")
  try {
    const bytes = base58btc.baseDecode(did.slice(DID_PREFIX.length))
    return bytes.length === 34 && bytes[0] === 0xed && bytes[1] === 0x01
      ? Result.succeed(bytes.slice(2) as PublicKey)
      : Result.fail("not a did:key of an Ed25519 key")
  } catch {
    return Result.fail("not base58btc")
  }
}

export const PublicKeyFromDid = Schema.String.pipe(Schema.decodeTo(PublicKey, transformation(publicKeyOfDid, didOf)))
