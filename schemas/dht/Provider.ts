/**
 * Kind 2: a node says that it has the content under a key (WIRE §6). A set: at most ten nodes stand under one key.
 *
 *   [2, key 32, node 32, issued, expires, sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PublicKey } from "#schemas/identity/PublicKey"
import { RECORD_LIMIT, RecordKind, SIGNATURE_LENGTH, Signature, Uint53 } from "./Record.ts"

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 5

export class Provider extends Schema.Class<Provider>("allium/dht/Provider")({
  key: Bytes32,
  /** The providing node's public key, whose SHA-256 is its NodeId. */
  node: PublicKey,
  issued: Uint53,
  expires: Uint53,
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type ProviderFields = Pick<Provider, keyof typeof Provider.fields>

/** What stands before the signature. */
export type UnsignedProvider = Omit<typeof Provider.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<ProviderFields, string> => {
  if (bytes.length > RECORD_LIMIT) return Result.fail("record above 60 KiB")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [kind, key, node, issued, expires, signature] = decoded.success
  if (kind !== RecordKind.Provider) return Result.fail("not a provider record")
  if (!isBytesOf(key, 32)) return Result.fail("malformed key")
  if (!isBytesOf(node, 32)) return Result.fail("malformed node")
  if (!isUint(issued) || !isUint(expires)) return Result.fail("malformed time")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({ key, node: node as PublicKey, issued, expires, signature })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedProvider): Uint8Array => encode(head(record))

export const write = (record: typeof Provider.Encoded): Uint8Array => encode([...head(record), record.signature])

export const ProviderFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(Provider, transformation(read, write)))

const head = (record: UnsignedProvider): Array<CborValue> => [
  RecordKind.Provider,
  record.key,
  record.node,
  record.issued,
  record.expires
]
