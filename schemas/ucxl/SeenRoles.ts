/**
 * What a node keeps of the newest list of roles that it has seen: [1, authority 32, seq, value], the value as the record
 * had it. Private to the node, in strict CBOR.
 */
import { Result } from "effect"
import { decodeArray, encode } from "#schemas/bytes/Cbor"
import { isBytesOf, isBytesUpTo, isUint } from "#schemas/bytes/fields"
import { ROLE_LIST_LIMIT } from "./RoleList.ts"

const VERSION = 1

export interface SeenRoles {
  readonly authority: Uint8Array
  readonly seq: number
  readonly value: Uint8Array
}

export const read = (bytes: Uint8Array): Result.Result<SeenRoles, string> => {
  const decoded = decodeArray(bytes)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const [version, authority, seq, value] = decoded.success
  if (version !== VERSION) return Result.fail("of another version")
  if (!isBytesOf(authority, 32) || !isUint(seq) || !isBytesUpTo(value, ROLE_LIST_LIMIT)) return Result.fail("malformed")
  return Result.succeed({ authority, seq, value })
}

export const write = ({ authority, seq, value }: SeenRoles): Uint8Array => encode([VERSION, authority, seq, value])
