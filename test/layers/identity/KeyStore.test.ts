import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as FileKeyStore from "#layers/identity/FileKeyStore"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import { hexKeys, keyStoreLaws, loadFrom } from "../../laws/keyStore.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "allium-keys-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)
const open = (path: string) => FileKeyStore.layer(path).pipe(Layer.provide([NodeCrypto.layer, NodeRandom.layer]))
const modeOf = (path: string) => fs.statSync(path).mode & 0o777

keyStoreLaws("FileKeyStore", Effect.map(folder, open))
keyStoreLaws(
  "MemoryKeyStore",
  Effect.sync(() => MemoryKeyStore.layer.pipe(Layer.provide(Layer.fresh(NodeRandom.layer))))
)

describe("FileKeyStore", () => {
  it.effect("makes the folder and a file that only its owner can read, and nothing beside it", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "a", "b")
      yield* loadFrom(open(path))
      assert.deepEqual(fs.readdirSync(path), [FileKeyStore.KEY_FILE])
      assert.strictEqual(modeOf(join(path, FileKeyStore.KEY_FILE)), 0o600)
      assert.strictEqual(modeOf(path), 0o700)
    })
  )

  it.effect("a later start finds the same keys and does not touch the file", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const first = yield* loadFrom(open(path))
      const before = fs.statSync(join(path, FileKeyStore.KEY_FILE))
      assert.deepEqual(hexKeys(yield* loadFrom(open(path))), hexKeys(first))
      const after = fs.statSync(join(path, FileKeyStore.KEY_FILE))
      assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs])
    })
  )

  it.effect("refuses a file that the group or others can read, and says how to mend it", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileKeyStore.KEY_FILE)
      yield* loadFrom(open(path))
      for (const mode of [0o640, 0o604, 0o660]) {
        fs.chmodSync(file, mode)
        const error = yield* Effect.flip(loadFrom(open(path)))
        assert.strictEqual(error._tag, "KeysExposed")
        assert.include(error.message, `chmod 600 ${file}`)
        assert.include(error.message, mode.toString(8))
      }
    })
  )

  it.effect("refuses a file that is cut, longer or changed, and leaves it as it is", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, FileKeyStore.KEY_FILE)
      yield* loadFrom(open(path))
      const whole = new Uint8Array(fs.readFileSync(file))
      const changed = (at: number) => Uint8Array.from(whole, (byte, index) => (index === at ? byte ^ 1 : byte))
      const broken = [
        new Uint8Array(),
        whole.subarray(0, 79),
        Uint8Array.of(...whole, 0),
        ...[0, 7, 8, 40, 79].map(changed)
      ]
      for (const bytes of broken) {
        fs.writeFileSync(file, bytes)
        const error = yield* Effect.flip(loadFrom(open(path)))
        assert.strictEqual(error._tag, "KeysCorrupt")
        assert.deepEqual(new Uint8Array(fs.readFileSync(file)), new Uint8Array(bytes))
      }
    })
  )

  it.effect("a folder that is a file is a typed failure", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "file")
      fs.writeFileSync(path, "")
      const error = yield* Effect.flip(loadFrom(open(path)))
      assert.strictEqual(error._tag, "KeysUnreachable")
    })
  )
})
