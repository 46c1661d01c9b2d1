/**
 * The `age` command and this library read each other's files. Where the command is missing, these tests fail: without it
 * nobody would know.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import { cidOfText } from "#schemas/content/Cid"
import { write as writeEntry } from "#schemas/ucxl/Entry"
import { write as writeMetadata } from "#schemas/ucxl/Metadata"
import { ADDRESS, makeWorld, suite, threeRoles } from "./store.ts"

const MISSING = "the command `age` is missing: install it (`apt-get install age`, `brew install age`), then run again"

/** What the command writes to its output, given this input. */
const age = (args: ReadonlyArray<string>, input: Uint8Array): Uint8Array => {
  const { error, status, stderr, stdout } = spawnSync("age", args, { input, maxBuffer: 64 * 1024 * 1024 })
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") assert.fail(MISSING)
  assert.strictEqual(status, 0, String(stderr))
  return new Uint8Array(stdout)
}

const setting = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-age-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const world = yield* makeWorld
  const directory = yield* world.publish(threeRoles)
  const dev = yield* world.node("dev", ["developer"])
  const arch = yield* world.node("arch", ["architect"])
  return { folder, world, directory, dev, arch }
})

const counting = (length: number) => Uint8Array.from({ length }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24)

describe("the age command", () => {
  it.effect("decrypts what is stored, small and large, with the exported key of a role that may read it", () =>
    Effect.gen(function* () {
      const { arch, dev, folder } = yield* setting
      const { identity } = yield* arch.keys.find("architect")
      const keyFile = join(folder, "architect.key")
      writeFileSync(keyFile, `${Redacted.value(identity)}\n`, { mode: 0o600 })
      for (const content of [utf8("We keep records for seven days."), counting(1_500_000), new Uint8Array(0)]) {
        const { cid } = yield* dev.store.store(ADDRESS, content, "developer", "application/octet-stream")
        const stored = concatBytes(yield* Stream.runCollect(dev.blobs.get(Result.getOrThrow(cidOfText(cid)))))
        assert.isTrue(Buffer.from(age(["--decrypt", "-i", keyFile], stored)).equals(content), `${content.length}`)
      }
    })
  )

  it.effect("encrypts to the recipients of the directory what this library reads as its own", () =>
    Effect.gen(function* () {
      const { arch, dev, directory, world } = yield* setting
      const recipients = directory.recipientsOf(directory.readersOf("developer"))
      const to = recipients.flatMap((recipient) => ["-r", recipient])
      for (const content of [utf8("words"), counting(200_000)]) {
        const file = age(to, content)
        const sealed = age(
          to,
          writeMetadata({
            address: ADDRESS,
            creatorRole: "developer",
            encryptedFor: directory.readersOf("developer"),
            sharedWith: [],
            contentType: "application/octet-stream",
            timestamp: 0,
            size: content.length,
            sha256: suite.sha256(file),
            holders: [],
            replicationFactor: 5,
            previous: undefined
          })
        )
        const { cid } = yield* dev.blobs.put(Stream.succeed(file))
        const { cid: metadataCid } = yield* dev.blobs.put(Stream.succeed(sealed))
        const value = writeEntry({ cid, metadataCid, size: content.length })
        yield* world.spread(world.sign("dev", ADDRESS, "developer", value, content.length, 0))
        const read = yield* arch.store.retrieve(ADDRESS)
        assert.isTrue(Buffer.from(read.content).equals(content))

        // Taken in and stored again, it is one's own.
        yield* arch.store.store("ucxl://a/b/c/d/e", read.content, "architect", read.metadata.contentType)
        assert.isTrue(Buffer.from((yield* arch.store.retrieve("ucxl://a/b/c/d/e")).content).equals(content))
        yield* arch.store.remove("ucxl://a/b/c/d/e")
        yield* TestClock.adjust("10 minutes")
      }
    })
  )
})
