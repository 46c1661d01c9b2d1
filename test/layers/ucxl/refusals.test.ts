/** What an encrypted store says to bad input: one typed error, a line of audit, and nothing given out or lost. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Directory } from "#core/ucxl/Directory"
import { keyOfSecret } from "#core/ucxl/roleKeysText"
import { makeAge } from "#layers/ucxl/age"
import { concatBytes, utf8 } from "#schemas/bytes/bytes"
import type { Cid } from "#schemas/content/Cid"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import { write as writeEntry } from "#schemas/ucxl/Entry"
import { type MetadataFields, write as writeMetadata } from "#schemas/ucxl/Metadata"
import { PutRefused } from "#services/dht/Dht"
import { StorageFailed, StoreFull } from "#services/storage/RecordStore"
import { NoAuthority } from "#services/ucxl/RoleDirectory"
import { KeysLocked } from "#services/ucxl/RoleKeys"
import { ADDRESS, makeWorld, type StoreNode, suite, threeRoles, until, type World } from "./store.ts"

const text = utf8("We keep records for seven days.")
const age = makeAge({ encryptions: 0, decryptions: 0 })
const recipientOf = (role: string) => keyOfSecret(suite, role, suite.sha256(utf8(`key of ${role}`))).recipient

const setting = Effect.gen(function* () {
  const world = yield* makeWorld
  yield* world.publish(threeRoles)
  const dev = yield* world.node("dev", ["developer"])
  const arch = yield* world.node("arch", ["architect"])
  return { world, dev, arch }
})

interface Forgery {
  readonly author?: string
  readonly grantOf?: string
  readonly metadata?: Partial<MetadataFields>
  readonly entry?: { readonly size?: number; readonly value?: Uint8Array }
  readonly recipients?: ReadonlyArray<string>
  /** What is done to the files before they are stored. */
  readonly file?: (file: Uint8Array) => Uint8Array
  readonly sealed?: (file: Uint8Array) => Uint8Array
  /** The hash in the metadata is that of the file as it should be. */
  readonly honestHash?: boolean
  readonly content?: Uint8Array
  readonly seq?: number
}

const put = ({ blobs }: StoreNode, bytes: Uint8Array): Effect.Effect<Cid> =>
  Effect.orDie(Effect.map(blobs.put(Stream.succeed(bytes)), ({ cid }) => cid))

/** An entry by a member who keeps to nothing but the signature. */
const forge = Effect.fnUntraced(function* (world: World, by: StoreNode, forgery: Forgery) {
  const { author = "dev", content = text, grantOf = "developer" } = forgery
  const recipients = (forgery.recipients ?? ["developer", "architect"]).map(recipientOf)
  const whole = yield* age.encrypt(recipients, content)
  const file = forgery.file?.(whole) ?? whole
  const metadata: MetadataFields = {
    address: ADDRESS,
    creatorRole: "developer",
    encryptedFor: ["developer", "architect"],
    sharedWith: [],
    contentType: "text/plain",
    timestamp: 0,
    size: content.length,
    sha256: suite.sha256(forgery.honestHash === true ? whole : file),
    holders: [],
    replicationFactor: 5,
    previous: undefined,
    ...forgery.metadata
  }
  const sealed = yield* age.encrypt(recipients, writeMetadata(metadata))
  const cid = yield* put(by, file)
  const metadataCid = yield* put(by, forgery.sealed?.(sealed) ?? sealed)
  const value = forgery.entry?.value ?? writeEntry({ cid, metadataCid, size: forgery.entry?.size ?? content.length })
  const record = world.sign(author, ADDRESS, grantOf, value, forgery.seq ?? 5, 0)
  yield* world.spread(record)
  return record
})

const lastLine = (node: StoreNode) => Effect.map(node.audit, (lines) => lines[lines.length - 1])

describe("a reader", () => {
  const spoiled: ReadonlyArray<readonly [what: string, forgery: Forgery, error: object]> = [
    ["an entry that is none", { entry: { value: utf8("nonsense") } }, { _tag: "Tampered", what: "Metadata" }],
    ["metadata that is no age file", { sealed: () => text }, { _tag: "Tampered", what: "Metadata" }],
    ["metadata that was cut off", { sealed: (it) => it.subarray(0, -1) }, { _tag: "Tampered", what: "Metadata" }],
    [
      "metadata without end",
      { sealed: (it) => concatBytes([it, new Uint8Array(300_000)]) },
      { _tag: "Tampered", what: "Metadata" }
    ],
    [
      "metadata of another address",
      { metadata: { address: "ucxl://a/b/c/d/e" as UcxlAddress } },
      { _tag: "Tampered", what: "Metadata" }
    ],
    ["metadata of another size than the entry", { entry: { size: 5 } }, { _tag: "Tampered", what: "Metadata" }],
    [
      "a size that content and entry do not have in common",
      { entry: { size: 5 }, metadata: { size: 5 } },
      { _tag: "Tampered", what: "Metadata" }
    ],
    [
      "the name of a role that its author is not in",
      { metadata: { creatorRole: "architect" } },
      { _tag: "Tampered", what: "Author" }
    ],
    [
      "the name of a role that only reads",
      { metadata: { creatorRole: "reader" } },
      { _tag: "Tampered", what: "Author" }
    ],
    [
      "the name of a role that there is not",
      { metadata: { creatorRole: "nobody" } },
      { _tag: "Tampered", what: "Author" }
    ],
    [
      "another file than the metadata names",
      { file: (it) => concatBytes([it, text]), honestHash: true },
      { _tag: "Tampered", what: "Ciphertext" }
    ],
    ["a file that was cut off", { file: (it) => it.subarray(0, -10) }, { _tag: "Tampered", what: "Truncated" }],
    ["a file cut off in its header", { file: (it) => it.subarray(0, 50) }, { _tag: "Tampered", what: "Truncated" }],
    [
      "a file that was changed",
      { file: (it) => it.map((byte, at) => (at === it.length - 5 ? byte ^ 1 : byte)) },
      { _tag: "Tampered", what: "Undecipherable" }
    ],
    ["a file for others", { file: () => text }, { _tag: "Tampered", what: "Undecipherable" }],
    [
      "content above the limit",
      { entry: { size: 2 ** 40 }, metadata: { size: 2 ** 40 } },
      { _tag: "ContentTooLarge", bytes: 2 ** 40 }
    ],
    ["content for others", { recipients: ["reader"] }, { _tag: "NotForUs", held: ["architect"] }]
  ]

  for (const [what, forgery, error] of spoiled) {
    it.effect(`gives out nothing of ${what}`, () =>
      Effect.gen(function* () {
        const { arch, dev, world } = yield* setting
        yield* forge(world, dev, forgery)
        const failure = yield* Effect.flip(arch.store.retrieve(ADDRESS))
        assert.deepInclude(failure, error)
        assert.deepInclude(yield* arch.store.stats, { cachedItems: 0, indexed: 0, retrieved: 0 })
        const outcome = failure._tag === "NotForUs" ? "denied" : "failed"
        const line = yield* lastLine(arch)
        assert.deepInclude(line, { operation: "retrieve", address: ADDRESS, outcome })
        assert.isTrue(line?.reason.startsWith(failure._tag), line?.reason)
      })
    )
  }

  it.effect("takes what is made by the same means and in order", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* forge(world, dev, {})
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, text)
    })
  )

  it.effect("does not believe who is a member no more, though his grant still holds", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      yield* arch.store.retrieve(ADDRESS)
      yield* world.publish({ ...threeRoles, developer: { members: ["other"] } })
      const later = yield* world.node("arch", ["architect"])
      assert.deepInclude(yield* Effect.flip(later.store.retrieve(ADDRESS)), { _tag: "Tampered", what: "Author" })
    })
  )

  it.effect("does not take an older version than it has seen of the same author", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      world.silent = true
      const [old] = [yield* forge(world, dev, { seq: 5 })]
      yield* forge(world, dev, { seq: 6, content: utf8("newer") })
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, utf8("newer"))
      yield* TestClock.adjust("11 minutes")
      world.forget(ADDRESS, "dev")
      yield* world.spread(old)
      const failure = yield* Effect.flip(arch.store.retrieve(ADDRESS))
      assert.deepInclude(failure, { _tag: "Tampered", what: "Replayed" })
      const [item] = yield* Stream.runCollect(arch.store.search({}))
      assert.strictEqual(item?.seq, 6)
    })
  )

  it.effect("names the part of an address that is wrong, and has it in the log", () =>
    Effect.gen(function* () {
      const { dev } = yield* setting
      const failure = yield* Effect.flip(dev.store.retrieve("ucxl://a//c/d/e"))
      assert.deepInclude(failure, { _tag: "InvalidUcxlAddress", part: "role", reason: "is empty" })
      assert.deepInclude(yield* lastLine(dev), { outcome: "failed", reason: "InvalidUcxlAddress: role: is empty" })
      const endless = yield* Effect.flip(dev.store.store("x".repeat(10_000), text, "developer", "text/plain"))
      assert.strictEqual(endless._tag, "InvalidUcxlAddress")
      assert.isAtMost((yield* lastLine(dev))?.address.length ?? 0, 400)
    })
  )

  it.effect("says that its keys are locked, or that there are none", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      const none = yield* world.node("arch")
      assert.deepInclude(yield* Effect.flip(none.store.retrieve(ADDRESS)), { _tag: "NotForUs", held: [] })
      const locked = new KeysLocked({ file: "roles.key" })
      const node = yield* world.node("arch", [], {}, { keys: { list: Effect.fail(locked) } })
      assert.strictEqual((yield* Effect.flip(node.store.retrieve(ADDRESS)))._tag, "KeysLocked")
      assert.deepInclude(yield* lastLine(node), { outcome: "denied", reason: "KeysLocked: roles.key" })
    })
  )
})

describe("a storing node", () => {
  it.effect("is told by policy what it may not, before a byte is read", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      const guest = yield* world.node("guest", ["reader"])
      const unread = Stream.die("it was read")
      const refusal = (node: StoreNode, role: string) =>
        Effect.flip(node.store.store(ADDRESS, unread, role, "text/plain"))
      assert.deepInclude(yield* refusal(dev, "nobody"), {
        _tag: "UnknownRole",
        known: ["developer", "architect", "reader"]
      })
      assert.deepInclude(yield* refusal(guest, "reader"), { _tag: "Denied", reason: "ReadOnly" })
      assert.deepInclude(yield* lastLine(guest), {
        outcome: "denied",
        role: "reader",
        reason: "Denied: reader: ReadOnly"
      })
      assert.deepInclude(yield* refusal(guest, "developer"), { _tag: "Denied", reason: "NotMember" })
      const ungranted = world.roles.directory!.roles.map((role) => ({ ...role, grants: [] }))
      const later = { current: Effect.succeed(new Directory(2, ungranted)) }
      const forgotten = yield* world.node("dev", ["developer"], {}, { directory: later })
      assert.deepInclude(yield* refusal(forgotten, "developer"), { _tag: "Denied", reason: "GrantExpired" })
      assert.deepInclude(yield* guest.store.stats, { denied: 2, failed: 0, stored: 0, encryptions: 0 })
      const long = yield* Effect.flip(dev.store.store(ADDRESS, text, "developer", "x".repeat(200)))
      assert.strictEqual(long._tag, "InvalidRecord")
    })
  )

  it.effect("loses nothing to a full disk or a refused entry, and keeps nothing of it", () =>
    Effect.gen(function* () {
      const { arch, dev, world } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      yield* TestClock.adjust("1 minute")
      const full = new StoreFull({ usedBytes: 1, quotaBytes: 1 })
      const failed = new StorageFailed({ operation: "put", cause: "no space left" })
      const refused = new PutRefused({ key: new Uint8Array(32), refusals: [] })
      for (const error of [full, failed, refused]) {
        for (const dht of [{ putName: () => Effect.fail(error) }, { putBlock: () => Effect.fail(error) }]) {
          const node = yield* world.node("dev", ["developer"], {}, { dht })
          const before = yield* node.pins.count
          assert.strictEqual(
            yield* Effect.flip(node.store.store(ADDRESS, utf8("newer"), "developer", "text/plain")),
            error
          )
          assert.deepInclude(yield* lastLine(node), { operation: "store", outcome: "failed" })
          assert.strictEqual(yield* node.pins.count, before)
        }
      }
      assert.deepStrictEqual((yield* arch.store.retrieve(ADDRESS)).content, text)
    })
  )

  it.effect("gives out nothing that cannot be written down", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      const failed = new StorageFailed({ operation: "append", cause: "no space left" })
      const node = yield* world.node("arch", ["architect"], {}, { audit: { append: () => Effect.fail(failed) } })
      assert.strictEqual(yield* Effect.flip(node.store.retrieve(ADDRESS)), failed)
      assert.strictEqual((yield* Effect.flip(node.store.retrieve("nonsense")))._tag, "InvalidUcxlAddress")
    })
  )

  it.effect("writes down what was interrupted", () =>
    Effect.gen(function* () {
      const { dev } = yield* setting
      const stored = dev.store.store(ADDRESS, Stream.never, "developer", "text/plain")
      assert.isDefined(yield* Effect.raceFirst(Effect.as(Effect.yieldNow, 1), stored).pipe(Effect.option))
      assert.deepInclude(yield* lastLine(dev), { operation: "store", outcome: "failed", reason: "Interrupted" })
    })
  )
})

describe("without an authority", () => {
  it.effect("every call that needs roles says so, and nobody listens for notices", () =>
    Effect.gen(function* () {
      const { dev, world } = yield* setting
      const nobody = { authority: undefined, current: Effect.fail(new NoAuthority()) }
      const { audit, store } = yield* world.node("alone", ["developer"], {}, { directory: nobody })
      const calls = [
        store.store(ADDRESS, text, "developer", "text/plain"),
        store.retrieve(ADDRESS),
        store.remove(ADDRESS),
        store.share(ADDRESS, "developer"),
        store.announce(ADDRESS),
        store.discover(ADDRESS),
        Stream.runDrain(store.history(ADDRESS)),
        Stream.runDrain(store.rotate("developer"))
      ]
      for (const call of calls)
        assert.strictEqual((yield* Effect.flip(call as Effect.Effect<unknown, Error>)).name, "NoAuthority")
      assert.isEmpty(yield* Stream.runCollect(store.search({})))
      const outcomes = (yield* audit).map(({ outcome }) => outcome)
      assert.deepStrictEqual(outcomes, [...calls.map(() => "denied"), "done"])
      yield* dev.store.store(ADDRESS, text, "developer", "text/plain")
      yield* until(Effect.sync(() => world.verdicts.length > 0))
      assert.lengthOf(world.verdicts, 1)
    })
  )
})
