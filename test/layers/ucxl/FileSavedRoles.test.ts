import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FileSavedRoles from "#layers/ucxl/FileSavedRoles"
import * as MemorySavedRoles from "#layers/ucxl/MemorySavedRoles"
import type { SavedRoles } from "#services/ucxl/SavedRoles"

const folder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "allium-roles-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

/** `open` gives the same place each time. */
const savedRolesLaws = (name: string, place: Effect.Effect<() => SavedRoles["Service"], never, never>) =>
  it.effect(`${name} has what was saved last, after a restart too`, () =>
    Effect.gen(function* () {
      const open = yield* place
      assert.isUndefined(yield* open().load)
      const bytes = Uint8Array.of(1, 2, 3)
      yield* open().save(Uint8Array.of(9, 9, 9, 9))
      yield* open().save(bytes)
      bytes.fill(0)
      assert.deepStrictEqual(Array.from((yield* open().load) ?? []), [1, 2, 3])
    })
  )

describe("SavedRoles", () => {
  const saved = Effect.sync(() => new MemorySavedRoles.SavedList())
  savedRolesLaws(
    "MemorySavedRoles",
    Effect.map(saved, (list) => () => MemorySavedRoles.make(list))
  )

  it.effect("FileSavedRoles has what was saved last, for its owner only, and survives half a write", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const open = () => FileSavedRoles.make(join(path, "node"))
      assert.isUndefined(yield* open().load)
      yield* open().save(Uint8Array.of(9, 9, 9, 9))
      yield* open().save(Uint8Array.of(1, 2, 3))
      const file = join(path, "node", FileSavedRoles.SEEN_FILE)
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      fs.writeFileSync(`${file}.new`, "half")
      assert.deepStrictEqual(Array.from((yield* open().load) ?? []), [1, 2, 3])
      yield* open().save(Uint8Array.of(4))
      assert.deepStrictEqual(fs.readdirSync(join(path, "node")), [FileSavedRoles.SEEN_FILE])
      fs.rmSync(file)
      fs.mkdirSync(file)
      assert.strictEqual((yield* Effect.flip(open().save(Uint8Array.of(5))))._tag, "StorageFailed")
      assert.strictEqual((yield* Effect.flip(open().load))._tag, "StorageFailed")
    })
  )
})
