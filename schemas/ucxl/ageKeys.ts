/**
 * X25519 keys as age writes them (https://age-encryption.org/v1): recipients `age1…` may be known to everybody, identities
 * `AGE-SECRET-KEY-1…` to nobody. Both are 32 bytes in Bech32.
 */
import { Result } from "effect"
import * as bech32 from "./bech32.ts"

const RECIPIENT = "age"
const IDENTITY = "age-secret-key-"

const KEY_LENGTH = 32

export const recipientText = (publicKey: Uint8Array): string => bech32.encode(RECIPIENT, publicKey)

export const identityText = (secret: Uint8Array): string => bech32.encode(IDENTITY, secret).toUpperCase()

/** The public key of a recipient, which is written in small letters; or the word of refusal. */
export const keyOfRecipient = (text: string): Result.Result<Uint8Array, string> =>
  text === text.toLowerCase() ? ofLength(bech32.decode(RECIPIENT, text)) : Result.fail("it is not in small letters")

/** The secret of an identity, which is written in capitals; or the word of refusal, which says nothing of it. */
export const secretOfIdentity = (text: string): Result.Result<Uint8Array, string> =>
  text === text.toUpperCase() ? ofLength(bech32.decode(IDENTITY, text)) : Result.fail("it is not in capitals")

export const isRecipient = (text: string): boolean => Result.isSuccess(keyOfRecipient(text))

const ofLength = (decoded: Result.Result<Uint8Array, string>): Result.Result<Uint8Array, string> =>
  Result.flatMap(decoded, (bytes) =>
    bytes.length === KEY_LENGTH ? Result.succeed(bytes) : Result.fail(`it has not ${KEY_LENGTH} bytes`)
  )
