/** What the store pipeline does beyond taking one record: sets, networks, lost versions, damage, full disks, work. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { compareDistance } from "#core/dht/distance"
import { Search } from "#core/dht/work"
import { compareBytes } from "#schemas/bytes/bytes"
import * as Inbox from "#schemas/dht/Inbox"
import { RecordKind } from "#schemas/dht/Record"
import { parseAddress } from "#schemas/transport/Address"
import { PROOFS, STORE_RATE } from "#services/dht/Limits"
import type { RecordRefused } from "#services/dht/StorePipeline"
import {
  announcement,
  announcementKey,
  grant,
  mutable,
  mutableKey,
  name,
  nameKey,
  peer,
  provider,
  signingOf,
  suite
} from "./fixtures.ts"
import { type Parts, stranger, withParts } from "./storing.ts"

const key = suite.sha256(Uint8Array.of(7))
const block = (n: number, length = 100) => new Uint8Array(length).fill(n)
const at = (...texts: ReadonlyArray<string>) => ({
  addresses: texts.map((text) => Result.getOrThrow(parseAddress(text)).bytes)
})
const members = (parts: Parts, kind: number, of: Uint8Array) =>
  Effect.map(parts.records.get(kind, of), (rows) => rows.map(({ member }) => member))
const publicKeys = (...names: ReadonlyArray<string>) => names.map((it) => signingOf(it).publicKey).sort(compareBytes)

describe("sets", () => {
  it.effect("holds one entry for each author of a name, and of each the newest", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        for (const author of ["a", "b"]) {
          assert.isUndefined(yield* parts.refusal(RecordKind.Name, name(author, "n", { seq: 5 })))
          assert.strictEqual(yield* parts.refusal(RecordKind.Name, name(author, "n", { seq: 4 })), "Older")
          assert.isUndefined(yield* parts.refusal(RecordKind.Name, name(author, "n", { seq: 6 })))
        }
        const held = yield* parts.records.get(RecordKind.Name, nameKey("n"))
        assert.deepStrictEqual(
          held.map(({ seq }) => seq),
          [6, 6]
        )
      })
    )
  )

  it.effect("takes sixteen names where everybody may speak and sixty-four where an authority lets them in", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const authority = signingOf("root").publicKey
        for (let n = 0; n < 70; n++) {
          yield* parts.refusal(RecordKind.Name, name(`a${n}`, "n", { issued: n + 1 }))
          const grants = [grant("root", `a${n}`)]
          yield* parts.refusal(RecordKind.Name, name(`a${n}`, "n", { issued: n + 1, authority, grants }))
        }
        const open = yield* parts.records.get(RecordKind.Name, nameKey("n"))
        const granted = yield* parts.records.get(RecordKind.Name, nameKey("n", authority))
        assert.deepStrictEqual([open.length, granted.length], [16, 64])
        const latest = Array.from({ length: 16 }, (_, n) => `a${n + 54}`)
        assert.deepStrictEqual(
          open.map(({ member }) => member),
          publicKeys(...latest)
        )
      })
    )
  )

  it.effect("takes two announcements from one /24, and the later ones", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const addresses: Record<string, string> = {
          a: "/ip4/45.1.1.1/tcp/1",
          b: "/ip4/45.1.1.2/tcp/1",
          c: "/ip4/45.1.1.3/tcp/1",
          d: "/ip4/45.1.2.1/tcp/1"
        }
        const contacts = new Map(Object.entries(addresses).map(([of, text]) => [of, peer(of, at(text))]))
        const say = (of: string, issued: number) =>
          parts.refusal(RecordKind.Announcement, announcement(of, "relay", { issued }), { from: contacts.get(of)! })
        const held = members(parts, RecordKind.Announcement, announcementKey("relay"))
        assert.isUndefined(yield* say("a", 10))
        assert.isUndefined(yield* say("b", 20))
        // what they are known by when others store for them
        for (const contact of contacts.values()) parts.known.admit(contact.bytes, 0)
        assert.strictEqual(yield* say("c", 5), "Quota")
        assert.isUndefined(yield* say("d", 1))
        assert.isUndefined(yield* say("c", 30))
        assert.deepStrictEqual(yield* held, publicKeys("b", "c", "d"))
        assert.isUndefined(yield* say("b", 40))
      }),
      { local: false }
    )
  )

  it.effect("takes two providers of which it does not know where they are", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        for (const [of, issued] of [
          ["a", 10],
          ["b", 20],
          ["c", 30]
        ] as const) {
          assert.isUndefined(yield* parts.refusal(RecordKind.Provider, provider(of, key, issued)))
        }
        assert.deepStrictEqual(yield* members(parts, RecordKind.Provider, key), publicKeys("b", "c"))
        const known = peer("d", at("/ip6/2001:db8:1::1/tcp/1"))
        assert.isUndefined(yield* parts.refusal(RecordKind.Provider, provider("d", key, 5), { from: known }))
      }),
      { local: false }
    )
  )

  it.effect("does not ask where nodes are in a network of one machine", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        for (let n = 0; n < 10; n++) yield* parts.refusal(RecordKind.Provider, provider(`p${n}`, key, n))
        assert.strictEqual((yield* parts.records.get(RecordKind.Provider, key)).length, 10)
      })
    )
  )
})

describe("stores that meet", () => {
  it.effect("leave the newest, and a set within its limit", () =>
    withParts(
      Effect.fnUntraced(function* ({ records, refusal }) {
        const seqs = [3, 9, 1, 7, 5, 2, 8, 4, 6]
        const versions = seqs.map((seq) => refusal(RecordKind.Mutable, mutable("a", { seq })))
        const entries = Array.from({ length: 15 }, (_, n) => refusal(RecordKind.Provider, provider(`p${n}`, key, n)))
        yield* Effect.all([...versions, ...entries], { concurrency: 30 })
        assert.strictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.seq, 9)
        const held = yield* records.get(RecordKind.Provider, key)
        assert.deepStrictEqual(
          held.map(({ seq }) => seq).sort((a, b) => a - b),
          [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
        )
      }),
      { slow: true }
    )
  )
})

describe("two versions under one number", () => {
  const pair = [mutable("a", { value: Uint8Array.of(1) }), mutable("a", { value: Uint8Array.of(2) })] as const
  const [lower, higher] = compareBytes(suite.sha256(pair[0]), suite.sha256(pair[1])) < 0 ? pair : [pair[1], pair[0]]

  it.effect("the lower SHA-256 stays, the higher is refused as a conflict, and the pair is kept as proof", () =>
    withParts(
      Effect.fnUntraced(function* ({ pipeline, records, refusal }) {
        assert.isUndefined(yield* refusal(RecordKind.Mutable, lower))
        assert.strictEqual(yield* refusal(RecordKind.Mutable, higher), "Conflict")
        assert.deepStrictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.bytes, lower)
        const proof = { kind: RecordKind.Mutable, key: mutableKey("a"), member: new Uint8Array(0), seq: 1 }
        assert.deepStrictEqual(pipeline.proofs(), [{ ...proof, records: [lower, higher] }])
      })
    )
  )

  it.effect("the lower one takes the place of the higher, and the pair is the same proof", () =>
    withParts(
      Effect.fnUntraced(function* ({ pipeline, records, refusal }) {
        assert.isUndefined(yield* refusal(RecordKind.Mutable, higher))
        assert.isUndefined(yield* refusal(RecordKind.Mutable, lower))
        assert.deepStrictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.bytes, lower)
        assert.deepStrictEqual(pipeline.proofs()[0]?.records, [lower, higher])
      })
    )
  )

  it.effect("nobody is accused by a signature that is not his", () =>
    withParts(
      Effect.fnUntraced(function* ({ pipeline, refusal }) {
        yield* refusal(RecordKind.Mutable, lower)
        for (let bit = 0; bit < 8; bit++) {
          const forged = higher.slice()
          forged[forged.length - 1]! ^= 1 << bit
          assert.include(["BadSignature", "Conflict"], yield* refusal(RecordKind.Mutable, forged))
        }
        assert.deepStrictEqual(pipeline.proofs(), [])
      })
    )
  )

  it.effect("no more proofs are kept than there is room for", () =>
    withParts(
      Effect.fnUntraced(function* ({ pipeline, refusal }) {
        for (let seq = 1; seq <= PROOFS + 5; seq++) {
          for (const byte of [1, 2]) yield* refusal(RecordKind.Mutable, mutable("a", { seq, value: block(byte) }))
        }
        assert.strictEqual(pipeline.proofs().length, PROOFS)
        assert.strictEqual(pipeline.proofs().at(-1)?.seq, PROOFS + 5)
      })
    )
  )
})

describe("damage", () => {
  it.effect("a record that the disk has spoiled does not keep out the one that it was", () =>
    withParts(
      Effect.fnUntraced(function* ({ records, refusal }) {
        const good = mutable("a", { seq: 3 })
        assert.isUndefined(yield* refusal(RecordKind.Mutable, good))
        const [row] = yield* records.get(RecordKind.Mutable, mutableKey("a"))
        for (const at of [good.length - 1, 60, 0]) {
          const bytes = good.slice()
          bytes[at]! ^= 0x40
          yield* records.put([{ ...row!, bytes }])
          assert.isUndefined(yield* refusal(RecordKind.Mutable, good))
          assert.deepStrictEqual((yield* records.get(RecordKind.Mutable, mutableKey("a")))[0]?.bytes, good)
        }
      })
    )
  )
})

describe("a full disk", () => {
  /** Blocks by their distance to the node that the parts belong to, closest first. */
  const byDistance = Effect.fnUntraced(function* ({ records, pipeline }: Parts, count: number, length: number) {
    const { key: probe } = yield* pipeline.store(RecordKind.Block, block(255, 1), 9, undefined)
    const [row] = yield* records.get(RecordKind.Block, probe)
    yield* records.remove(RecordKind.Block, probe)
    return Array.from({ length: count }, (_, n) => block(n, length)).sort((a, b) =>
      compareDistance(row!.storedBy, suite.sha256(a), suite.sha256(b))
    )
  })
  const heldOf = Effect.fnUntraced(function* ({ records }: Parts, blocks: ReadonlyArray<Uint8Array>) {
    const held = yield* Effect.forEach(blocks, (it) => records.get(RecordKind.Block, suite.sha256(it)))
    return held.map((rows) => rows.length)
  })

  it.effect("lets what is farthest go for what is closer, and nothing for what is farther", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const blocks = yield* byDistance(parts, 6, 900)
        for (const n of [1, 3, 5]) assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[n]!))
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[2]!))
        assert.deepStrictEqual(yield* heldOf(parts, blocks), [0, 1, 1, 1, 0, 0])
        assert.strictEqual(yield* parts.refusal(RecordKind.Block, blocks[4]!), "Quota")
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[0]!))
        assert.deepStrictEqual(yield* heldOf(parts, blocks), [1, 1, 1, 0, 0, 0])
      }),
      { quotaBytes: 3_000 }
    )
  )

  it.effect("lets what has expired go first, and never what this node stored for itself", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const blocks = yield* byDistance(parts, 4, 900)
        yield* parts.pipeline.store(RecordKind.Block, blocks[3]!, 10_000, undefined)
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[1]!, { ttl: 100 }))
        // stored again by somebody else, and still its own
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[3]!))
        assert.strictEqual(yield* parts.refusal(RecordKind.Block, blocks[2]!), "Quota")
        yield* TestClock.adjust("100 seconds")
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, blocks[2]!))
        assert.deepStrictEqual(yield* heldOf(parts, blocks), [0, 0, 1, 1])
      }),
      { quotaBytes: 2_000 }
    )
  )

  it.effect("lets as much go as the newcomer needs", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const small = yield* byDistance(parts, 10, 100)
        for (const it of small) assert.isUndefined(yield* parts.refusal(RecordKind.Block, it))
        const [large] = yield* byDistance(parts, 40, 350)
        assert.isUndefined(yield* parts.refusal(RecordKind.Block, large!))
        assert.deepStrictEqual(yield* heldOf(parts, [...small, large!]), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1])
      }),
      { quotaBytes: 1_000 }
    )
  )
})

describe("work", () => {
  const solve = (kind: number, of: Uint8Array, record: Uint8Array, bits = 16): Uint8Array => {
    const search = new Search(suite, { kind, key: of, digest: suite.sha256(record) }, 0, bits)
    for (;;) {
      const nonce = search.step(10_000)
      if (nonce !== undefined) return nonce
    }
  }
  const useUp = (parts: Parts) =>
    Effect.forEach(Array(STORE_RATE.burst), () => parts.refusal(RecordKind.Block, block(1, 1)), { discard: true })

  it.effect("makes up for a rate that is used up: once, for that record", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        yield* useUp(parts)
        const record = mutable("a", { seq: 1 })
        const refused = yield* Effect.flip(parts.pipeline.store(RecordKind.Mutable, record, 100, stranger))
        assert.deepInclude(refused as RecordRefused, { refusal: "WorkRequired", bits: 16 })
        const work = solve(RecordKind.Mutable, mutableKey("a"), record)
        const other = mutable("a", { seq: 2 })
        assert.strictEqual(yield* parts.refusal(RecordKind.Mutable, other, { work }), "WorkRequired")
        assert.isUndefined(yield* parts.refusal(RecordKind.Mutable, record, { work }))
        assert.strictEqual(yield* parts.refusal(RecordKind.Mutable, record, { work }), "Busy")
        assert.strictEqual(yield* parts.refusal(RecordKind.Block, block(1)), "Busy")
        assert.isUndefined(yield* parts.refusal(RecordKind.Mutable, other, { from: peer("other") }))
      })
    )
  )

  it.effect("has to be right where it is shown, needed or not", () =>
    withParts(
      Effect.fnUntraced(function* (parts) {
        const record = mutable("a")
        const refusal = (work: Uint8Array) => parts.refusal(RecordKind.Mutable, record, { work })
        assert.strictEqual(yield* refusal(new Uint8Array(8).fill(1)), "WorkRequired")
        assert.isUndefined(yield* refusal(solve(RecordKind.Mutable, mutableKey("a"), record)))
      })
    )
  )

  const inbox = (sealed: number, bits: number): Uint8Array => {
    const fields = { key, issued: 0, expires: 1_000, enc: key, sealed: block(sealed) }
    const search = new Search(suite, { kind: 9, key, digest: suite.sha256(Inbox.unworked(fields)) }, 0, bits)
    for (;;) {
      const nonce = search.step(10_000)
      if (nonce !== undefined) return Inbox.write({ ...fields, nonce })
    }
  }

  it.effect("stands within an inbox record, and is needed there", () =>
    withParts(({ refusal, validators }) =>
      Effect.scoped(
        Effect.gen(function* () {
          assert.strictEqual(yield* refusal(RecordKind.Inbox, inbox(1, 16)), "UnknownKind")
          yield* validators.register(RecordKind.Inbox, () => Result.void)
          assert.strictEqual(yield* refusal(RecordKind.Inbox, inbox(1, 1)), "WorkRequired")
          assert.isUndefined(yield* refusal(RecordKind.Inbox, inbox(1, 16)))
        })
      )
    )
  )
})
