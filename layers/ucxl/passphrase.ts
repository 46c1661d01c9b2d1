/**
 * Text under a passphrase, as `age -p` seals it and `age -d` opens it (https://age-encryption.org/v1, scrypt).
 *
 * The key is derived by node:crypto, on a thread of its own: it takes seconds and a quarter of a gigabyte, which is what
 * makes guessing dear, and a node has other things to do meanwhile. `age-encryption` is loaded when it is first needed.
 */
import { scrypt } from "node:crypto"
import type { Stanza } from "age-encryption"
import { Effect, Redacted, Schema } from "effect"
import type { Suite } from "#core/identity/Suite"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"

/** Base-2 logarithm of scrypt's cost, as the age command has it. */
export const WORK_FACTOR = 18

/** Files that would cost more than four times of that are refused. */
const WORK_FACTOR_LIMIT = 20

/** Not opened or sealed: for the reason given, or, where none is, since the passphrase is another. */
export class Unopened extends Schema.TaggedError<Unopened>()("Unopened", {
  reason: Schema.UndefinedOr(Schema.String)
}) {}

const LABEL = "age-encryption.org/v1/scrypt"
const BLOCK_SIZE = 8
export const SALT_LENGTH = 16
const NO_NONCE = new Uint8Array(12)
const NOTHING = new Uint8Array(0)

const BINARY = "age-encryption.org/v1\n"
const ARMORED = "-----BEGIN AGE ENCRYPTED FILE-----"

const startsWith = (bytes: Uint8Array, start: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(start.length, bytes.length)).toString("latin1") === start

/** Whether it is an age file, armored or not. */
export const isSealed = (bytes: Uint8Array): boolean => startsWith(bytes, BINARY) || startsWith(bytes, ARMORED)

const library = () => import("age-encryption")

const derive = (passphrase: string, salt: Uint8Array, logN: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const cost = { N: 2 ** logN, r: BLOCK_SIZE, p: 1, maxmem: 2 ** logN * BLOCK_SIZE * 128 * 2 }
    scrypt(passphrase, concatBytes([utf8(LABEL), salt]), 32, cost, (error, key) =>
      error === null ? resolve(new Uint8Array(key)) : reject(error)
    )
  })

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "")

/** Armored, so that it stays a file of text. */
export const seal = (
  suite: Suite,
  text: string,
  passphrase: Redacted.Redacted<string>,
  salt: Uint8Array,
  logN = WORK_FACTOR
): Effect.Effect<string, Unopened> =>
  Effect.tryPromise({
    try: async () => {
      const { armor, Encrypter, Stanza } = await library()
      const key = await derive(Redacted.value(passphrase), salt, logN)
      const encrypter = new Encrypter()
      encrypter.addRecipient({
        wrapFileKey: (fileKey) => {
          const body = concatBytes(suite.aead(key).seal(NO_NONCE, NOTHING, [fileKey]))
          return [new Stanza(["scrypt", base64(salt), String(logN)], body)]
        }
      })
      return `${armor.encode(await encrypter.encrypt(text)).trimEnd()}\n`
    },
    catch: () => new Unopened({ reason: "there was not enough memory to seal it" })
  })

/** The whole text, or none of it. */
export const open = (
  suite: Suite,
  bytes: Uint8Array,
  passphrase: Redacted.Redacted<string>
): Effect.Effect<string, Unopened> =>
  Effect.tryPromise({
    try: async () => {
      const { armor, Decrypter } = await library()
      const file = startsWith(bytes, BINARY) ? bytes : armor.decode(Buffer.from(bytes).toString("latin1"))
      const decrypter = new Decrypter()
      decrypter.addIdentity({
        unwrapFileKey: async (stanzas: ReadonlyArray<Stanza>) => {
          const [stanza] = stanzas
          const [kind, saltText = "", cost = ""] = stanza?.args ?? []
          if (stanza === undefined || stanzas.length !== 1 || kind !== "scrypt") {
            throw new Unopened({ reason: "it is sealed to keys, not by a passphrase" })
          }
          const [salt, logN] = [new Uint8Array(Buffer.from(saltText, "base64")), Number(cost)]
          if (salt.length !== SALT_LENGTH || !/^[1-9][0-9]?$/.test(cost)) {
            throw new Unopened({ reason: "its header is damaged" })
          }
          if (logN > WORK_FACTOR_LIMIT) throw new Unopened({ reason: "opening it would cost too much" })
          const key = await derive(Redacted.value(passphrase), salt, logN)
          const fileKey = suite.aead(key).open(NO_NONCE, NOTHING, stanza.body)
          if (fileKey === undefined) throw new Unopened({ reason: undefined })
          return fileKey
        }
      })
      return await decrypter.decrypt(file, "text")
    },
    catch: (cause) => (cause instanceof Unopened ? cause : new Unopened({ reason: "it is damaged or was changed" }))
  })
