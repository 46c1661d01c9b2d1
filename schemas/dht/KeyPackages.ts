/**
 * Kind 8: what others need to add somebody to a group while he is away, and the key that his inbox is sealed for
 * (WIRE §6). One record an identity.
 *
 *   [8, public 32, seq, issued, expires, inbox key 32, [package ≤ 9], sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesUpTo, concatBytes, utf8 } from "#schemas/bytes/bytes"
import { encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesList, isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { RECORD_LIMIT, RecordKind, readElements, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

/** Eight to be used once each, and a last one that may be used again. */
export const PACKAGES_LIMIT = 9

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 7

const KEY_PREFIX = utf8("allium/keypackage")

export class KeyPackages extends Schema.Class<KeyPackages>("allium/dht/KeyPackages")({
  publicKey: PublicKey,
  seq: Uint53,
  issued: Uint53,
  expires: Uint53,
  /** X25519. */
  inbox: Bytes32,
  /** Each as long as the record has room for. */
  packages: Schema.Array(bytesUpTo(RECORD_LIMIT)).check(Schema.isMaxLength(PACKAGES_LIMIT)),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type KeyPackagesFields = Pick<KeyPackages, keyof typeof KeyPackages.fields>

/** What stands before the signature. */
export type UnsignedKeyPackages = Omit<typeof KeyPackages.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<KeyPackagesFields, string> => {
  const elements = readElements(bytes, RecordKind.KeyPackages)
  if (Result.isFailure(elements)) return Result.fail(elements.failure)
  const [, publicKey, seq, issued, expires, inbox, packages, signature] = elements.success
  if (!isBytesOf(publicKey, 32) || !isBytesOf(inbox, 32)) return Result.fail("malformed key")
  if (!isUint(seq) || !isUint(issued) || !isUint(expires)) return Result.fail("malformed seq or time")
  if (!isBytesList(packages, PACKAGES_LIMIT, RECORD_LIMIT)) return Result.fail("malformed packages")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({ publicKey: publicKey as PublicKey, seq, issued, expires, inbox, packages, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedKeyPackages): Uint8Array => encode(head(record))

export const write = (record: typeof KeyPackages.Encoded): Uint8Array => encode([...head(record), record.signature])

export const KeyPackagesFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(KeyPackages, transformation(read, write)))

/** What the SHA-256 of is the key. */
export const keyPreimage = (publicKey: Uint8Array): Uint8Array => concatBytes([KEY_PREFIX, publicKey])

const head = (record: UnsignedKeyPackages): Array<CborValue> => [
  RecordKind.KeyPackages,
  record.publicKey,
  record.seq,
  record.issued,
  record.expires,
  record.inbox,
  record.packages
]
