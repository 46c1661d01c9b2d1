/**
 * What a channel's id is the hash of: [creator 32, nonce 16, policy hash 32] (WIRE §6). It stands as a byte string before
 * the grants of kinds 5, 6 and 7, so that a storage node can tell who the first issuer has to be.
 */
import { Result, Schema } from "effect"
import { Bytes32, bytesOf } from "#schemas/bytes/bytes"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import type { CborValue } from "#schemas/bytes/CborValue"
import { isArrayUpTo, isBytesOf, isBytesUpTo } from "#schemas/bytes/fields"
import { PublicKey } from "#schemas/identity/PublicKey"
import { CHAIN_LIMIT, GRANT_LIMIT } from "./Grant.ts"

export const GENESIS_NONCE_LENGTH = 16

/** Bytes of the genesis, at most: it has 86, and a later version may append to it. */
export const GENESIS_LIMIT = 256

export const Genesis = Schema.Struct({
  creator: PublicKey,
  nonce: bytesOf(GENESIS_NONCE_LENGTH),
  policy: Bytes32
})
export type Genesis = typeof Genesis.Type

/** A channel's authority to act: where it began, and who was let in by whom. */
export interface Chain {
  readonly genesis: Genesis
  readonly grants: ReadonlyArray<Uint8Array>
}

export const read = (bytes: Uint8Array): Result.Result<Genesis, string> => {
  if (bytes.length > GENESIS_LIMIT) return Result.fail("genesis above 256 bytes")
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [creator, nonce, policy] = decoded.success
  if (!isBytesOf(creator, 32) || !isBytesOf(nonce, GENESIS_NONCE_LENGTH) || !isBytesOf(policy, 32)) {
    return Result.fail("malformed genesis")
  }
  return Result.succeed({ creator: creator as PublicKey, nonce, policy })
}

export const write = ({ creator, nonce, policy }: typeof Genesis.Encoded): Uint8Array =>
  encode([creator, nonce, policy])

/** The element of a record that holds both: the genesis first, which does not count among the grants. */
export const readChain = (value: CborValue | undefined): Result.Result<Chain, string> => {
  if (!isArrayUpTo(value, CHAIN_LIMIT + 1)) return Result.fail("malformed grants")
  const [first, ...grants] = value
  if (!isBytesUpTo(first, GENESIS_LIMIT)) return Result.fail("malformed genesis")
  if (!grants.every((grant) => isBytesUpTo(grant, GRANT_LIMIT))) return Result.fail("malformed grants")
  return Result.map(read(first), (genesis) => ({ genesis, grants }))
}

export const writeChain = (chain: {
  readonly genesis: typeof Genesis.Encoded
  readonly grants: ReadonlyArray<Uint8Array>
}): Array<CborValue> => [write(chain.genesis), ...chain.grants]
