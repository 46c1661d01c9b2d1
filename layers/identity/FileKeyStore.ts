/**
 * Keys in a file of the data folder, mode 0600, made once and never written again.
 *
 * The new file is written whole and synced under another name and then linked to its own: a crash leaves no half file,
 * and of two nodes that start at once one wins and the other reads the winner's. All of it is synchronous, as it
 * happens once in the life of a process.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { Effect, Layer, Redacted, Result } from "effect"
import { KEY_FILE_LENGTH, type PlainKeys, readKeyFile, writeKeyFile } from "#core/identity/keyFile"
import type { Suite } from "#core/identity/Suite"
import { hexOf } from "#schemas/bytes/bytes"
import { Crypto } from "#services/identity/Crypto"
import { KeyStore, type KeyStoreError, KeysCorrupt, KeysExposed, KeysUnreachable } from "#services/identity/KeyStore"
import { SecureRandom } from "#services/identity/SecureRandom"

export const KEY_FILE = "identity.key"

const OWNER_ONLY = 0o600
const FOLDER_MODE = 0o700

/** Any right of the group or of others. */
const NOT_OWNER = 0o077

/** Windows reports permission bits that mean nothing. */
const hasPermissionBits = process.platform !== "win32"

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "an unknown failure"

const withFile = <A>(path: string, flags: string, task: (file: number) => A): A => {
  const file = fs.openSync(path, flags, OWNER_ONLY)
  try {
    return task(file)
  } finally {
    fs.closeSync(file)
  }
}

/** Judges the file that it opened, so that nobody can swap it in between. */
const readKeys = (suite: Suite, path: string): Result.Result<PlainKeys, KeyStoreError> =>
  withFile(path, "r", (file) => {
    const { mode } = fs.fstatSync(file)
    if (hasPermissionBits && (mode & NOT_OWNER) !== 0) {
      return Result.fail(new KeysExposed({ file: path, mode: (mode & 0o777).toString(8) }))
    }
    const bytes = new Uint8Array(KEY_FILE_LENGTH + 1)
    const length = fs.readSync(file, bytes)
    const keys = readKeyFile(suite, bytes.subarray(0, length))
    bytes.fill(0)
    return Result.mapError(keys, (reason) => new KeysCorrupt({ file: path, reason }))
  })

/** Leaves the file of whoever came first. */
const createKeys = (folder: string, path: string, bytes: Uint8Array, suffix: string): void => {
  const draft = `${path}.${suffix}`
  try {
    withFile(draft, "wx", (file) => {
      fs.writeSync(file, bytes)
      fs.fsyncSync(file)
    })
    fs.linkSync(draft, path)
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause
  } finally {
    fs.rmSync(draft, { force: true })
  }
  // The name is durable only with its folder, which Windows cannot sync.
  if (hasPermissionBits) withFile(folder, "r", fs.fsyncSync)
}

export const make = Effect.fnUntraced(function* (folder: string) {
  const suite = yield* Crypto
  const random = yield* SecureRandom
  const path = join(folder, KEY_FILE)
  const attempt = Effect.try({
    try: () => {
      fs.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
      if (!fs.existsSync(path)) {
        const bytes = writeKeyFile(suite, { seed: random.bytes(32), noise: random.bytes(32) })
        createKeys(folder, path, bytes, hexOf(random.bytes(8)))
        bytes.fill(0)
      }
      return readKeys(suite, path)
    },
    catch: (cause) => new KeysUnreachable({ file: path, reason: codeOf(cause) })
  })
  return KeyStore.of({
    load: attempt.pipe(
      Effect.flatMap(Effect.fromResult),
      Effect.map(({ noise, seed }) => ({ seed: Redacted.make(seed), noise: Redacted.make(noise) }))
    )
  })
})

export const layer = (folder: string) => Layer.effect(KeyStore, make(folder))
