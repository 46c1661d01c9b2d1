/**
 * Keys of roles in `roles.key` of the data folder, mode 0600: an identity file of age, which a passphrase may seal.
 *
 * The file is the truth: it is looked at before every answer, and read again when somebody else has written it. What was
 * opened by a passphrase stays in memory with it, until the node ends. A file that cannot be used is never written over.
 */
import { join } from "node:path"
import { Config, Effect, Layer, Option, Redacted, Result, Semaphore } from "effect"
import { keyOfIdentity, keyOfSecret, type PlainRoleKey, readKeys, writeKeys } from "#core/ucxl/roleKeysText"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import { ROLE_KEYS_LIMIT } from "#services/ucxl/Limits"
import {
  KeyFileUnusable,
  KeysLocked,
  NoRoleKey,
  type RoleKey,
  RoleKeys,
  WrongPassphrase
} from "#services/ucxl/RoleKeys"
import * as Passphrase from "./passphrase.ts"
import { readWhole, versionAt, wordOf, writeWhole } from "./wholeFile.ts"

export const ROLE_KEY_FILE = "roles.key"

export interface RoleKeysOptions {
  /** Tried on a sealed file when it is first read. */
  readonly passphrase?: Redacted.Redacted<string>
  /** Of scrypt, for tests. */
  readonly workFactor?: number
}

/** Bytes of the file, at most: what so many keys take, sealed. */
const FILE_LIMIT = 256 * 1024

const SECRET_LENGTH = 32

/** What the file held when it was last read. */
interface Loaded {
  /** Undefined: there was none. */
  readonly version: string | undefined
  readonly keys: ReadonlyArray<PlainRoleKey>
  /** By which it is sealed. */
  readonly passphrase: Redacted.Redacted<string> | undefined
}

const NONE: Loaded = { version: undefined, keys: [], passphrase: undefined }

const shown = ({ identity, recipient, role }: PlainRoleKey): RoleKey => ({
  role,
  recipient,
  identity: Redacted.make(identity)
})

export const make = Effect.fnUntraced(function* (folder: string, options: RoleKeysOptions = {}) {
  const [suite, random] = [yield* Crypto, yield* SecureRandom]
  const file = join(folder, ROLE_KEY_FILE)
  const turn = yield* Semaphore.make(1)
  let loaded: Loaded | undefined
  /** The last that fitted, else that of the start. */
  let given = options.passphrase

  const unusable = (reason: string) => new KeyFileUnusable({ file, reason })
  const attempt = <A>(task: () => A) =>
    Effect.try({ try: task, catch: (cause) => unusable(`it cannot be read or written (${wordOf(cause)})`) })

  const parse = (text: string) => Effect.fromResult(Result.mapError(readKeys(suite, text, ROLE_KEYS_LIMIT), unusable))

  /** Reads the file anew; undefined where there is none. */
  const found = Effect.gen(function* () {
    const it = yield* attempt(() => readWhole(file, FILE_LIMIT))
    if (it?.openTo !== undefined) return yield* unusable(`others can read it (mode ${it.openTo}): chmod 600 ${file}`)
    if (it !== undefined && it.bytes.length > FILE_LIMIT) return yield* unusable(`it has more than ${FILE_LIMIT} bytes`)
    return it
  })

  const open = (bytes: Uint8Array, passphrase: Redacted.Redacted<string>) =>
    Effect.catch(
      Passphrase.open(suite, bytes, passphrase),
      ({ reason }): Effect.Effect<never, WrongPassphrase | KeyFileUnusable> =>
        reason === undefined ? Effect.fail(new WrongPassphrase({ file })) : Effect.fail(unusable(reason))
    ).pipe(Effect.flatMap(parse))

  const load = Effect.gen(function* () {
    if (loaded !== undefined && loaded.version === (yield* attempt(() => versionAt(file)))) return loaded
    loaded = undefined
    const it = yield* found
    if (it === undefined) return (loaded = NONE)
    const { bytes, version } = it
    if (!Passphrase.isSealed(bytes)) {
      const keys = yield* parse(Buffer.from(bytes).toString("utf8"))
      return (loaded = { version, keys, passphrase: undefined })
    }
    const passphrase = given
    if (passphrase === undefined) return yield* new KeysLocked({ file })
    const keys = yield* open(bytes, passphrase).pipe(
      Effect.catchTag("WrongPassphrase", () => {
        given = undefined
        return Effect.andThen(
          Effect.logWarning("the passphrase does not open the keys of roles: allium role unlock takes another"),
          new KeysLocked({ file })
        )
      })
    )
    return (loaded = { version, keys, passphrase })
  })

  const save = Effect.fnUntraced(function* (
    keys: ReadonlyArray<PlainRoleKey>,
    passphrase: Redacted.Redacted<string> | undefined
  ) {
    const text = writeKeys(keys)
    const content =
      passphrase === undefined
        ? text
        : yield* Effect.mapError(
            Passphrase.seal(suite, text, passphrase, random.bytes(Passphrase.SALT_LENGTH), options.workFactor),
            ({ reason }) => unusable(reason ?? "it could not be sealed")
          )
    yield* attempt(() => writeWhole(file, content))
    loaded = { version: yield* attempt(() => versionAt(file)), keys, passphrase }
    given = passphrase ?? given
  })

  return RoleKeys.of({
    list: Effect.map(load, ({ keys }) => keys.map(shown)).pipe(Semaphore.withPermit(turn)),
    find: Effect.fnUntraced(function* (role) {
      const { keys } = yield* load
      const key = keys.findLast((it) => it.role === role)
      return key === undefined ? yield* new NoRoleKey({ role }) : shown(key)
    }, Semaphore.withPermit(turn)),
    add: Effect.fn("FileRoleKeys.add")(function* (role, identity) {
      const { keys, passphrase } = yield* load
      const key =
        identity === undefined
          ? keyOfSecret(suite, role, random.bytes(SECRET_LENGTH))
          : yield* Effect.fromResult(
              Result.mapError(keyOfIdentity(suite, role, Redacted.value(identity)), (reason) =>
                unusable(`the key to be taken in is no AGE-SECRET-KEY-1…: ${reason}`)
              )
            )
      const before = keys.find((it) => it.role === role && it.identity === key.identity)
      if (before !== undefined) return shown(before)
      if (keys.length >= ROLE_KEYS_LIMIT) return yield* unusable(`it has ${ROLE_KEYS_LIMIT} keys, which are the most`)
      yield* save([...keys, key], passphrase)
      return shown(key)
    }, Semaphore.withPermit(turn)),
    unlock: Effect.fn("FileRoleKeys.unlock")(function* (passphrase) {
      const it = yield* found
      if (it === undefined || !Passphrase.isSealed(it.bytes)) return
      const keys = yield* open(it.bytes, passphrase)
      loaded = { version: it.version, keys, passphrase }
      given = passphrase
    }, Semaphore.withPermit(turn)),
    seal: Effect.fn("FileRoleKeys.seal")(function* (passphrase) {
      const { keys } = yield* load
      yield* save(keys, passphrase)
    }, Semaphore.withPermit(turn))
  })
})

export const layer = (folder: string, options?: RoleKeysOptions) => Layer.effect(RoleKeys, make(folder, options))

/** The passphrase of `ALLIUM_ROLE_PASSPHRASE`, where there is one. */
export const layerConfig = (folder: string) =>
  Layer.effect(
    RoleKeys,
    Effect.gen(function* () {
      const passphrase = yield* Effect.orDie(Config.option(Config.nested(Config.Redacted("ROLE_PASSPHRASE"), "ALLIUM")))
      return yield* make(folder, Option.isSome(passphrase) ? { passphrase: passphrase.value } : {})
    })
  )
