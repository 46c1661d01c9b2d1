import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { utf8 } from "#schemas/bytes/bytes"
import { ADDRESS, makeWorld, threeRoles } from "./store.ts"

const text = utf8("We keep records for seven days.")

describe("AgeEncryptedStore", () => {
  it.effect("gives what a developer stored to the developer and to who reads everything, and to nobody else", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.publish(threeRoles)
      const dev = yield* world.node("dev", ["developer"])
      const arch = yield* world.node("arch", ["architect"])
      const guest = yield* world.node("guest", ["reader"])

      const stored = yield* dev.store.store(
        ` ${ADDRESS.toUpperCase().replace("UCXL", "ucxl")}`,
        text,
        "developer",
        "text/plain"
      )
      assert.deepInclude(stored, { address: ADDRESS, status: "stored", replicas: 1 })
      assert.match(stored.path, /^\/ALLIUM\/ucxl\/[A-Za-z0-9_-]{43}$/)
      assert.deepStrictEqual(stored.metadata.encryptedFor, ["developer", "architect"])

      const own = yield* dev.store.retrieve(ADDRESS)
      assert.deepStrictEqual([own.content, own.cached], [text, true])
      const read = yield* arch.store.retrieve(ADDRESS)
      assert.deepStrictEqual([read.content, read.cached, read.author], [text, false, dev.did])
      const refusal = yield* Effect.flip(guest.store.retrieve(ADDRESS))
      assert.deepInclude(refusal, { _tag: "NotForUs", held: ["reader"] })
    })
  )

  it.effect("encrypts what is large as it comes, and gives it out whole", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld
      yield* world.publish(threeRoles)
      const dev = yield* world.node("dev", ["developer"])
      const arch = yield* world.node("arch", ["architect"])
      const large = Uint8Array.from({ length: 2_500_000 }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24)
      const pieces = Stream.fromIterable([large.subarray(0, 700_000), large.subarray(700_000)])
      const stored = yield* dev.store.store(ADDRESS, pieces, "developer", "application/octet-stream")
      assert.strictEqual(stored.metadata.size, large.length)
      const { content } = yield* arch.store.retrieve(ADDRESS)
      assert.isTrue(Buffer.from(content).equals(large))
    })
  )
})
