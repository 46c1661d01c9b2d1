import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"
import { keyOfSecret, writeKeys } from "#core/ucxl/roleKeysText"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as FileRoleKeys from "#layers/ucxl/FileRoleKeys"
import * as MemoryRoleKeys from "#layers/ucxl/MemoryRoleKeys"
import { open as openSealed, seal } from "#layers/ucxl/passphrase"
import { ROLE_KEYS_LIMIT } from "#services/ucxl/Limits"
import { RoleKeys } from "#services/ucxl/RoleKeys"
import { IDENTITY, plain, roleKeysLaws } from "../../laws/roleKeys.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "allium-role-keys-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

/** Cheap to guess, and to test. */
const workFactor = 6
const passphrase = Redacted.make("correct horse battery staple")

const layerAt = (path: string, options: FileRoleKeys.RoleKeysOptions = {}) =>
  FileRoleKeys.layer(path, { workFactor, ...options }).pipe(Layer.provide([NodeCrypto.layer, NodeRandom.layer]))

/** As a node that was just started on the folder. */
const open = (path: string, options?: FileRoleKeys.RoleKeysOptions) =>
  Effect.map(Layer.build(Layer.fresh(layerAt(path, options))), (services) => Context.get(services, RoleKeys))

const reasonOf = (error: { readonly _tag: string; readonly reason?: string }): string =>
  `${error._tag}: ${error.reason ?? ""}`

roleKeysLaws(
  "FileRoleKeys",
  Effect.map(folder, (path) => layerAt(path))
)
roleKeysLaws(
  "MemoryRoleKeys",
  Effect.sync(() => Layer.fresh(MemoryRoleKeys.layer).pipe(Layer.provide([NodeCrypto.layer, NodeRandom.layer])))
)

describe("FileRoleKeys", () => {
  it.effect("is a file for its owner only, which a later start finds and age reads", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "node")
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      const keys = yield* open(path)
      const made = [yield* keys.add("developer"), yield* keys.add("reader", Redacted.make(IDENTITY))]
      assert.deepStrictEqual((yield* (yield* open(path)).list).map(plain), made.map(plain))
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(path), [FileRoleKeys.ROLE_KEY_FILE])
      const [first] = made
      assert.include(
        fs.readFileSync(file, "utf8"),
        `\n# role: developer\n# public key: ${first!.recipient}\n${Redacted.value(first!.identity)}\n`
      )
      // The age command is a part of what is promised: apt install age, brew install age.
      const secret = spawnSync("age", ["-r", first!.recipient], { input: "for developers" })
      assert.strictEqual(secret.status, 0, `age is needed for this test: ${secret.error ?? secret.stderr}`)
      const read = spawnSync("age", ["-d", "-i", file], { input: secret.stdout })
      assert.strictEqual(read.stdout.toString(), "for developers", read.stderr.toString())
    })
  )

  it.effect("reads what somebody else wrote into the file since, by hand or from another process", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const [one, other] = [yield* open(path), yield* open(path)]
      yield* one.add("developer")
      yield* other.add("reader")
      assert.deepStrictEqual(
        (yield* one.list).map(({ role }) => role),
        ["developer", "reader"]
      )
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      fs.writeFileSync(file, `# role: tester\n# a note\n\n${IDENTITY}\n`)
      assert.deepStrictEqual(
        (yield* one.list).map(({ role }) => role),
        ["tester"]
      )
    })
  )

  it.effect("refuses a file that others can read, that is none, or that cannot be read, and leaves it as it is", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      const keys = yield* open(path)
      yield* keys.add("developer")
      for (const mode of [0o640, 0o604]) {
        fs.chmodSync(file, mode)
        const error = reasonOf(yield* Effect.flip((yield* open(path)).list))
        assert.include(error, `others can read it (mode ${mode.toString(8)}): chmod 600 ${file}`)
      }
      fs.chmodSync(file, 0o600)
      const long = "#".repeat(256 * 1024 + 1)
      const bad: ReadonlyArray<readonly [string, RegExp]> = [
        [`# role: developer\n${IDENTITY}\n${IDENTITY}\n`, /line 3 has a key without a line "# role: NAME"/],
        [`# role: developer\nAGE-SECRET-KEY-1QQ\n`, /line 2 is no AGE-SECRET-KEY-1…: its checksum/],
        ["# role: Developer!\n", /line 1 names no role/],
        [long, /more than 262144 bytes/]
      ]
      for (const [text, reason] of bad) {
        fs.writeFileSync(file, text)
        for (const use of [keys.list, keys.add("reader"), keys.seal(passphrase)]) {
          const error = reasonOf(yield* Effect.flip(use as typeof keys.list))
          assert.match(error, reason)
          assert.notInclude(error, IDENTITY)
        }
        assert.strictEqual(fs.readFileSync(file, "utf8"), text)
      }
      fs.rmSync(file)
      fs.mkdirSync(file)
      assert.match(reasonOf(yield* Effect.flip(keys.list)), /KeyFileUnusable: it cannot be read .*EISDIR/)
    })
  )

  it.effect("takes no more keys than the limit, sealed or not", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const secretOf = (index: number) => Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? index : 1))
      const full = Array.from({ length: ROLE_KEYS_LIMIT }, (_, index) =>
        keyOfSecret(NodeCrypto.suite, `${"long".repeat(13)}-${index}`, secretOf(index))
      )
      fs.writeFileSync(join(path, FileRoleKeys.ROLE_KEY_FILE), writeKeys(full), { mode: 0o600 })
      const keys = yield* open(path)
      assert.strictEqual((yield* keys.list).length, ROLE_KEYS_LIMIT)
      assert.match(reasonOf(yield* Effect.flip(keys.add("one-more"))), /it has 256 keys, which are the most/)
      yield* keys.seal(passphrase)
      const again = yield* open(path, { passphrase })
      assert.deepStrictEqual((yield* again.list).map(plain), (yield* keys.list).map(plain))
    })
  )

  it.effect("loses nothing to a write that was cut off", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      const made = yield* (yield* open(path)).add("developer")
      // As a kill between write and rename leaves it.
      fs.writeFileSync(`${file}.new`, "# role: dev", { mode: 0o644 })
      const keys = yield* open(path)
      assert.deepStrictEqual((yield* keys.list).map(plain), [plain(made)])
      yield* keys.add("reader")
      assert.deepStrictEqual(fs.readdirSync(path), [FileRoleKeys.ROLE_KEY_FILE])
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
    })
  )

  it.effect("shows no key of a sealed file until somebody gives the passphrase", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      const before = yield* open(path)
      const made = yield* before.add("developer")
      yield* before.seal(passphrase)
      const text = fs.readFileSync(file, "utf8")
      assert.match(text, /^-----BEGIN AGE ENCRYPTED FILE-----\n/)
      assert.notInclude(text, "developer")
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      // Whoever sealed it goes on.
      assert.deepStrictEqual((yield* before.list).map(plain), [plain(made)])

      const keys = yield* open(path)
      for (const use of [keys.list, keys.find("developer"), keys.add("reader"), keys.seal(undefined)]) {
        assert.strictEqual((yield* Effect.flip(use as typeof keys.list))._tag, "KeysLocked")
      }
      assert.strictEqual((yield* Effect.flip(keys.unlock(Redacted.make("wrong"))))._tag, "WrongPassphrase")
      yield* keys.unlock(passphrase)
      yield* keys.add("reader")
      // What is added is sealed too, and the other reads it by the passphrase that it has.
      assert.match(fs.readFileSync(file, "utf8"), /^-----BEGIN AGE/)
      assert.strictEqual((yield* before.list).length, 2)
      yield* keys.seal(undefined)
      assert.strictEqual((yield* (yield* open(path)).list).length, 2)
    })
  )

  it.effect("tries the passphrase of the start, and is locked where it is another", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const before = yield* open(path)
      yield* before.add("developer")
      yield* before.seal(passphrase)
      assert.strictEqual((yield* (yield* open(path, { passphrase })).list).length, 1)
      const wrong = yield* open(path, { passphrase: Redacted.make("wrong") })
      assert.strictEqual((yield* Effect.flip(wrong.list))._tag, "KeysLocked")
      yield* wrong.unlock(passphrase)
      assert.strictEqual((yield* wrong.list).length, 1)

      const started = FileRoleKeys.layerConfig(path).pipe(
        Layer.provide([NodeCrypto.layer, NodeRandom.layer]),
        Layer.provide(
          ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ALLIUM_ROLE_PASSPHRASE: Redacted.value(passphrase) } }))
        )
      )
      const keys = Context.get(yield* Layer.build(started), RoleKeys)
      assert.strictEqual((yield* keys.list).length, 1)
    })
  )

  it.effect("says of a sealed file that was cut, changed, or sealed to keys, what is wrong with it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileRoleKeys.ROLE_KEY_FILE)
      const keys = yield* open(path)
      const made = yield* keys.add("developer")
      yield* keys.seal(passphrase)
      const text = fs.readFileSync(file, "utf8")
      const { stdout } = spawnSync("age", ["-r", made.recipient], { input: "x" })
      const bad: ReadonlyArray<readonly [string | Uint8Array, RegExp]> = [
        [text.slice(0, text.length / 2), /damaged or was changed/],
        [
          text.replace(/\n(.{10})(.)/, (_, head, letter) => `\n${head}${letter === "A" ? "B" : "A"}`),
          /KeyFileUnusable/
        ],
        [stdout, /sealed to keys, not by a passphrase/]
      ]
      for (const [content, reason] of bad) {
        fs.writeFileSync(file, content)
        assert.match(reasonOf(yield* Effect.flip((yield* open(path)).unlock(passphrase))), reason)
      }
    })
  )
})

/** What `age -p` of version 1.1.1 made of "kept by age" and the passphrase "correct horse battery staple". */
const BY_AGE = `YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCB2Tm42TDQ4NVpWRkk0UFVjdEl6OElRIDE4CjRVYkxWNkZBS25GUEJvVnRmNzBsejdlVXliR2ZNTVlJQkQ4bnpNREhHdUkKLS0tIEpseXBrQzhJdGpXTUFqaUptdlErcHE3NldJYnp6RklSbkdONWljS2ZFbUUKmAZ/1pebdDhjGE8h9XdATsUaRohocJVdHJQQYaRBo/zy4g0F8XBfnsrtlw==`

describe("a passphrase", () => {
  const { suite } = NodeCrypto

  it.effect("opens what the age command sealed", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* openSealed(suite, Buffer.from(BY_AGE, "base64"), passphrase), "kept by age")
    })
  )

  it.effect("is stretched as age-encryption does it, either way", () =>
    Effect.gen(function* () {
      const { armor, Decrypter, Encrypter } = yield* Effect.promise(() => import("age-encryption"))
      const ours = yield* seal(suite, "kept by allium", passphrase, new Uint8Array(16).fill(5), workFactor)
      const decrypter = new Decrypter()
      decrypter.addPassphrase(Redacted.value(passphrase))
      const read = yield* Effect.promise(() => decrypter.decrypt(armor.decode(ours), "text"))
      assert.strictEqual(read, "kept by allium")
      const encrypter = new Encrypter()
      encrypter.setPassphrase(Redacted.value(passphrase))
      encrypter.setScryptWorkFactor(workFactor)
      const theirs = yield* Effect.promise(() => encrypter.encrypt("kept by typage"))
      assert.strictEqual(yield* openSealed(suite, theirs, passphrase), "kept by typage")
    })
  )
})
