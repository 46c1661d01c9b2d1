/**
 * The file that holds a node's secrets: 80 bytes, private to this program.
 *
 *    0   8  magic "ALLIUMK1", the last character being the version
 *    8  32  Ed25519 seed
 *   40  32  X25519 secret
 *   72   8  SHA-256 of the 72 bytes before, its first 8 bytes: against rot and truncation, not against people
 */
import { Result } from "effect"
import { concatBytes, equalBytes, utf8 } from "#schemas/bytes/bytes"
import type { Suite } from "./Suite.ts"

export const KEY_FILE_LENGTH = 80

const MAGIC = utf8("ALLIUMK1")
const NOISE_AT = 40
const CHECKSUM_AT = 72

export interface PlainKeys {
  readonly seed: Uint8Array
  readonly noise: Uint8Array
}

const checksum = (suite: Suite, bytes: Uint8Array): Uint8Array =>
  suite.sha256(bytes.subarray(0, CHECKSUM_AT)).subarray(0, KEY_FILE_LENGTH - CHECKSUM_AT)

export const writeKeyFile = (suite: Suite, { noise, seed }: PlainKeys): Uint8Array => {
  const body = concatBytes([MAGIC, seed, noise])
  return concatBytes([body, checksum(suite, body)])
}

/** The keys as copies, or the word of refusal, which says nothing of their bytes. */
export const readKeyFile = (suite: Suite, bytes: Uint8Array): Result.Result<PlainKeys, string> => {
  if (bytes.length !== KEY_FILE_LENGTH) return Result.fail(`not ${KEY_FILE_LENGTH} bytes`)
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return Result.fail("not a key file of this version")
  if (!equalBytes(bytes.subarray(CHECKSUM_AT), checksum(suite, bytes))) return Result.fail("its checksum is wrong")
  return Result.succeed({
    seed: new Uint8Array(bytes.subarray(MAGIC.length, NOISE_AT)),
    noise: new Uint8Array(bytes.subarray(NOISE_AT, CHECKSUM_AT))
  })
}
