/** The commands of encrypted content against a node whose store does as it is told: what they say of every failure. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as KeyStoreIdentity from "#layers/identity/KeyStoreIdentity"
import * as MemoryKeyStore from "#layers/identity/MemoryKeyStore"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import * as ControlServer from "#layers/node/ControlServer"
import * as MemoryAuditLog from "#layers/ucxl/MemoryAuditLog"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import type { Metadata } from "#schemas/ucxl/Metadata"
import { Blobs } from "#services/content/Blobs"
import { Backends } from "#services/dht/Backends"
import { Dht } from "#services/dht/Dht"
import { Diagnostics } from "#services/dht/Diagnostics"
import { Membership } from "#services/dht/Membership"
import { Replicator } from "#services/dht/Replicator"
import type { Crypto } from "#services/identity/Crypto"
import type { Identity } from "#services/identity/Identity"
import { Node } from "#services/node/Node"
import { type AuditEntry, AuditLog } from "#services/ucxl/AuditLog"
import {
  ContentTooLarge,
  Denied,
  EncryptedStore,
  InvalidAddress,
  NotForUs,
  type RetrieveError,
  RotationIncomplete,
  type StoreError,
  Tampered,
  UnknownRole
} from "#services/ucxl/EncryptedStore"
import { NoAuthority, RoleDirectory, RolesUnavailable } from "#services/ucxl/RoleDirectory"
import { KeyFileUnusable, KeysLocked, RoleKeys } from "#services/ucxl/RoleKeys"
import { connect } from "../../src/cli/client.ts"
import { event } from "../laws/auditor.ts"
import { item } from "../laws/contentIndex.ts"
import { alliumHere } from "./inProcess.ts"

const ADDRESS = "ucxl://ada/developer/allium/storage/decision" as UcxlAddress

const steering = "text/plain漢\r\nx-evil: \u001b[31m"

const metadata: Metadata = {
  address: ADDRESS,
  creatorRole: "developer",
  encryptedFor: ["developer"],
  sharedWith: [],
  contentType: steering,
  timestamp: 0,
  size: 5,
  sha256: new Uint8Array(32),
  holders: [],
  replicationFactor: 5,
  previous: undefined
} as Metadata

type Store = Partial<EncryptedStore["Service"]>

/** A node with this store, for as long as `body` runs; its folder is what commands are given. */
const withStore = <A, E>(
  store: Store,
  body: (folder: string, log: AuditLog["Service"]) => Effect.Effect<A, E>,
  audit: Layer.Layer<AuditLog, never, Identity | Crypto> = MemoryAuditLog.layer()
) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "allium-store-"))),
      (it) => Effect.sync(() => rmSync(it, { recursive: true, force: true }))
    )
    const others = Layer.mergeAll(
      Layer.mock(Node, {}),
      Layer.mock(Dht, {}),
      Layer.mock(Blobs, {}),
      Layer.mock(Backends, {}),
      Layer.mock(Replicator, {}),
      Layer.mock(Diagnostics, {}),
      Layer.mock(RoleKeys, {}),
      Layer.mock(RoleDirectory, { authority: undefined }),
      Layer.succeed(Membership, {} as Membership["Service"]),
      Layer.mock(EncryptedStore, store),
      audit
    )
    const layer = ControlServer.layer({ folder, port: 0, stop: Effect.void }).pipe(
      Layer.provideMerge(others),
      Layer.provideMerge(KeyStoreIdentity.layer({ network: "store", local: false })),
      Layer.provide(MemoryKeyStore.layer),
      Layer.provide(Layer.merge(NodeCrypto.layer, NodeRandom.layer))
    )
    return yield* Effect.flatMap(AuditLog, (log) => body(folder, log)).pipe(Effect.provide(layer))
  })

const run = (folder: string, ...args: ReadonlyArray<string>) =>
  Effect.promise(() => alliumHere(["store", ...args, "--data", folder]))

const refuses = Effect.fnUntraced(function* (folder: string, args: ReadonlyArray<string>, sentence: RegExp) {
  const ended = yield* run(folder, ...args)
  assert.match(ended.stderr, sentence)
  assert.deepStrictEqual([ended.code, ended.stdout.toString(), ended.stderr.trim().split("\n").length], [1, "", 1])
})

const denied = (reason: Denied["reason"]) => new Denied({ address: ADDRESS, role: "reader", reason })
const tampered = (what: Tampered["what"]) => new Tampered({ address: ADDRESS, what, detail: "\u001b[2J" })

const STORING: ReadonlyArray<readonly [StoreError, RegExp]> = [
  [
    new InvalidAddress({ address: "x\u001b", part: "", reason: "is bad" }),
    /"x\\u\{1b\}" is no address, is bad: write ucxl/
  ],
  [denied("ReadOnly"), /the role reader may read and not store/],
  [denied("NotMember"), /no member of the role reader: ask the authority/],
  [denied("NoRecipients"), /nobody could read .* has no key/],
  [denied("NotAuthor"), /somebody else's: only its author/],
  [denied("GrantExpired"), /grant for the role reader has expired: the authority's node must run/],
  [
    new ContentTooLarge({ bytes: 3_000_000, limit: 1_048_576 }),
    /at most 1\.0 MiB, and this has more: store it in parts/
  ],
  [new UnknownRole({ role: "x", known: ["developer"] }), /there is no role "x": there are developer/],
  [new NoAuthority(), /goes by nobody's roles/],
  [new RolesUnavailable({ reason: "nobody answered" }), /the roles are not known yet: nobody answered/]
]

const READING: ReadonlyArray<readonly [RetrieveError, RegExp]> = [
  [new NotForUs({ address: ADDRESS, held: [] }), /denied: this node has no key of any role; make one/],
  [new NotForUs({ address: ADDRESS, held: ["reader"] }), /denied: it is not encrypted for reader, .* ask its author/],
  [tampered("Ciphertext"), /nothing of it is given out: its ciphertext was changed \(\\u\{1b\}\[2J\)/],
  [tampered("Truncated"), /cut short/],
  [tampered("Undecipherable"), /cannot be decrypted/],
  [tampered("Metadata"), /its metadata/],
  [tampered("Author"), /no member of the role that he claims .*; tell the authority/],
  [tampered("Replayed"), /older than what this node has seen/],
  [new KeysLocked({ file: "roles.key" }), /keys in roles\.key are sealed: .*allium role unlock/],
  [new KeyFileUnusable({ file: "roles.key", reason: "open to others" }), /roles\.key cannot be used: open to others/]
]

describe("store commands", () => {
  it.live("say why nothing was stored, and what to do", () => {
    let next = 0
    const store = () => Effect.suspend(() => Effect.fail(STORING[next]![0]))
    return withStore(
      { store },
      Effect.fnUntraced(function* (folder) {
        for (; next < STORING.length; next++)
          yield* refuses(folder, ["put", ADDRESS, "package.json", "--role", "reader"], STORING[next]![1])
      })
    )
  })

  it.live("say why nothing was read, and what to do", () => {
    let next = 0
    const retrieve = () => Effect.suspend(() => Effect.fail(READING[next]![0]))
    return withStore(
      { retrieve },
      Effect.fnUntraced(function* (folder) {
        for (; next < READING.length; next++) yield* refuses(folder, ["get", ADDRESS], READING[next]![1])
      })
    )
  })

  it.live("let no stranger's text steer a terminal or an answer", () =>
    withStore(
      {
        retrieve: () =>
          Effect.succeed({
            ...{ address: ADDRESS, metadata, author: "did:key:ada", seq: 1, cached: false },
            content: new TextEncoder().encode("hello")
          }),
        search: () => Stream.fromIterable([item("a", { contentType: steering }), item("b")])
      },
      Effect.fnUntraced(function* (folder) {
        const got = yield* run(folder, "get", ADDRESS)
        assert.deepStrictEqual([got.code, got.stdout.toString()], [0, "hello"])
        assert.match(got.stderr, /^5 B of text\/plain漢\\u\{d\}\\u\{a\}x-evil: \\u\{1b\}\[31m, stored .*\n$/)
        const found = yield* run(folder, "search", "--limit", "1")
        assert.match(found.stdout.toString(), /^ucxl:\S+ {2}12 B {2}text\/plain漢\\u\{d\}.* by developer\n$/)
        assert.match(found.stderr, /the newest 1 item: there may be more/)
      })
    )
  )

  it.live("show the versions before one that cannot be had, and then what is wrong", () =>
    withStore(
      {
        history: () =>
          Stream.concat(
            Stream.make({
              cid: "c",
              metadataCid: "m",
              metadata: { ...metadata, contentType: "text/plain" } as Metadata
            }),
            Stream.fail(tampered("Metadata"))
          )
      },
      Effect.fnUntraced(function* (folder) {
        const shown = yield* run(folder, "history", ADDRESS)
        assert.strictEqual(shown.code, 1)
        assert.match(shown.stdout.toString(), /^m {2}5 B {2}text\/plain {2}.*\n$/)
        assert.match(shown.stderr, /^error: .*its metadata/)
      })
    )
  )

  it.live("tell how far a rotation came, and what is left to do", () =>
    withStore(
      {
        rotate: () =>
          Stream.concat(
            Stream.make(
              { done: 1, total: 2, failed: 0, address: ADDRESS, reason: "" },
              { done: 2, total: 2, failed: 1, address: ADDRESS, reason: "NotFound" }
            ),
            Stream.fail(
              new RotationIncomplete({ role: "developer", done: 1, failed: 1, address: ADDRESS, reason: "NotFound" })
            )
          )
      },
      Effect.fnUntraced(function* (folder) {
        const ended = yield* run(folder, "rotate", "--role", "developer")
        assert.strictEqual(ended.code, 1)
        assert.match(ended.stderr, /ucxl:\S+: NotFound\n/)
        assert.match(ended.stderr, /error: 1 of 2 could not be encrypted anew, .*run "allium store rotate .* again/)
      })
    )
  )

  it.live("go on with each line of audit that is written, none twice and none left out", () =>
    withStore(
      {},
      Effect.fnUntraced(function* (folder, log) {
        for (const size of [1, 2, 3]) yield* log.append(event({ size }))
        const lines = yield* (yield* connect(folder)).store.followAudit({ query: { limit: 2 } })
        const seen: Array<number> = []
        yield* lines.pipe(
          Stream.tap(({ size }) =>
            Effect.gen(function* () {
              seen.push(size)
              if (seen.length < 5) yield* log.append(event({ size: 10 + seen.length }))
            })
          ),
          Stream.take(5),
          Stream.runDrain
        )
        assert.deepStrictEqual(seen, [2, 3, 11, 12, 13])
      })
    )
  )

  it.live("tell a line once that is written while the older ones are read", () => {
    const line = (number: number): AuditEntry => ({ ...event(), number, time: 0, node: "did", trailId: "" })
    const audit = Layer.mock(AuditLog, {
      changes: Stream.fromIterable([2, 3, 4].map(line)),
      latest: () => Effect.succeed([1, 2, 3].map(line))
    })
    const body = Effect.fnUntraced(function* (folder: string) {
      const followed = yield* run(folder, "audit", "--follow", "--json")
      const numbers = followed.stdout
        .toString()
        .trim()
        .split("\n")
        .map((it) => JSON.parse(it).number)
      assert.deepStrictEqual(numbers, [1, 2, 3, 4])
    })
    return withStore({}, body, audit)
  })
})
