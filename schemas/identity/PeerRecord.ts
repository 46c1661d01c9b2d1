/**
 * Kind 3: who a node is and where it can be reached, signed by itself (WIRE §6). At most 1 KiB.
 *
 *   [3, public 32, noise 32, onion 32, seq, issued, expires, capabilities u32, [multiaddr bytes without /p2p ≤ 8], sig 64]
 */
import { Result, Schema } from "effect"
import { Bytes32 } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isBytesList, isBytesOf, isUint } from "#schemas/bytes/fields"
import { transformation } from "#schemas/bytes/transformation"
import { PEER_RECORD_LIMIT, RecordKind, SIGNATURE_LENGTH, Signature, Uint53 } from "#schemas/dht/Record"
import { PublicKey } from "./PublicKey.ts"

/** Bits of `capabilities`; unknown ones are kept and ignored. */
export const DHT_SERVER = 1
export const ONION_RELAY = 2
export const NAT_RELAY = 4

export const ADDRESSES_LIMIT = 8

/** Bytes of one address, at most: what the record can hold; eight of the usual 8 to 60 fit well. */
const ADDRESS_LIMIT = PEER_RECORD_LIMIT

/** Where the signature stands, whatever a later version appends. */
export const SIGNATURE_INDEX = 9

const U32 = 0xffff_ffff

export class PeerRecord extends Schema.Class<PeerRecord>("allium/identity/PeerRecord")({
  publicKey: PublicKey,
  /** X25519 static key of Noise. */
  noise: Bytes32,
  /** X25519 key that onion layers are sealed for. */
  onion: Bytes32,
  seq: Uint53,
  issued: Uint53,
  expires: Uint53,
  capabilities: Schema.Int.check(Schema.isUint32()),
  addresses: Schema.Array(Schema.Uint8Array.check(Schema.isMaxLength(ADDRESS_LIMIT))).check(
    Schema.isMaxLength(ADDRESSES_LIMIT)
  ),
  signature: Signature
}) {}

/** The fields without the class, as the hot path has them. */
export type PeerRecordFields = Pick<PeerRecord, keyof typeof PeerRecord.fields>

/** What stands before the signature. */
export type UnsignedPeerRecord = Omit<typeof PeerRecord.Encoded, "signature">

/** The fields, byte strings as views of `bytes`; or the word of refusal. Verifies nothing. */
export const read = (bytes: Uint8Array): Result.Result<PeerRecordFields, string> => {
  if (bytes.length > PEER_RECORD_LIMIT) return Result.fail("PeerRecord above 1 KiB")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [kind, publicKey, noise, onion, seq, issued, expires, capabilities, addresses, signature] = decoded.success
  if (kind !== RecordKind.Peer) return Result.fail("not a PeerRecord")
  if (!isBytesOf(publicKey, 32) || !isBytesOf(noise, 32) || !isBytesOf(onion, 32)) return Result.fail("malformed key")
  if (!isUint(seq) || !isUint(issued) || !isUint(expires)) return Result.fail("malformed seq or time")
  if (!isUint(capabilities, U32)) return Result.fail("malformed capabilities")
  if (!isBytesList(addresses, ADDRESSES_LIMIT, ADDRESS_LIMIT)) return Result.fail("malformed addresses")
  if (!isBytesOf(signature, SIGNATURE_LENGTH)) return Result.fail("malformed signature")
  return Result.succeed({
    publicKey: publicKey as PublicKey,
    noise,
    onion,
    seq,
    issued,
    expires,
    capabilities,
    addresses,
    signature
  })
}

/** The array without its signature: what is signed. */
export const unsigned = (record: UnsignedPeerRecord): Uint8Array => encode(head(record))

export const write = (record: typeof PeerRecord.Encoded): Uint8Array => encode([...head(record), record.signature])

export const PeerRecordFromBytes = Schema.Uint8Array.pipe(Schema.decodeTo(PeerRecord, transformation(read, write)))

const head = (record: UnsignedPeerRecord): Array<CborValue> => [
  RecordKind.Peer,
  record.publicKey,
  record.noise,
  record.onion,
  record.seq,
  record.issued,
  record.expires,
  record.capabilities,
  record.addresses
]
