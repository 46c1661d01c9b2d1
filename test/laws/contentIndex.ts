/** What every ContentIndex keeps, whatever it keeps it in. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, type Layer, Schema } from "effect"
import { partsOf, type UcxlAddress } from "#schemas/ucxl/Address"
import { ContentIndex, type Criteria, type Cursor, type IndexItem } from "#services/ucxl/ContentIndex"

export const item = (name: string, fields: Partial<IndexItem> = {}): IndexItem => ({
  address: `ucxl://ada/developer/allium/${name}/decision` as UcxlAddress,
  creatorRole: "developer",
  encryptedFor: ["developer", "architect"],
  contentType: "text/markdown",
  timestamp: 1_000,
  size: 12,
  sha256: "ab".repeat(32),
  cid: `cid-${name}`,
  metadataCid: `metadata-${name}`,
  author: "did:key:ada",
  seq: 1,
  own: false,
  holders: ["cd".repeat(32)],
  replicationFactor: 5,
  recipients: "",
  deleted: false,
  ...fields
})

export interface IndexOptions {
  readonly items?: number
  readonly texts?: number
  readonly letters?: number
}

/** All pages of a search, `limit` a page. */
export const pages = Effect.fnUntraced(function* (
  index: ContentIndex["Service"],
  criteria: Criteria,
  limit: number,
  between: Effect.Effect<void, unknown> = Effect.void
) {
  const seen: Array<IndexItem> = []
  let after: Cursor | undefined
  for (;;) {
    const page = yield* index.search(criteria, after, limit)
    seen.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return seen
    after = { timestamp: last.timestamp, address: last.address }
    yield* between
  }
})

const Put = Schema.Struct({
  agent: Schema.Literals(["ada", "bob"]),
  task: Schema.Literals(["one", "two", "three"]),
  author: Schema.Literals(["x", "y"]),
  seq: Schema.Literals([1, 2, 3]),
  timestamp: Schema.Literals([-1, 0, 5, 6]),
  creatorRole: Schema.Literals(["developer", "architect"]),
  contentType: Schema.Literals(["text/plain", "image/png"]),
  own: Schema.Boolean,
  deleted: Schema.Literals([false, false, true]),
  recipients: Schema.Literals(["", "r1", "r2"]),
  text: Schema.UndefinedOr(Schema.Literals(["the red fox", "Red Foxes; the blue", "überall"]))
})

const itemOf = (put: typeof Put.Type): IndexItem =>
  item("", {
    address: `ucxl://${put.agent}/developer/allium/${put.task}/decision` as UcxlAddress,
    author: put.author,
    seq: put.seq,
    timestamp: put.timestamp,
    creatorRole: put.creatorRole,
    contentType: put.contentType,
    own: put.own,
    deleted: put.deleted,
    recipients: put.recipients,
    cid: `${put.author}${put.seq}`
  })

/** Each with what the model says of an item and the words of its text. */
const QUESTIONS: ReadonlyArray<readonly [Criteria, (it: IndexItem, words: ReadonlyArray<string>) => boolean]> = [
  [{}, () => true],
  [{ agent: "ada" }, (it) => partsOf(it.address).agent === "ada"],
  [{ task: "two", contentType: "text/plain" }, (it) => it.address.includes("/two/") && it.contentType === "text/plain"],
  [
    { agent: "bob", creatorRole: "architect", createdAfter: -1, createdBefore: 6 },
    (it) => it.address.includes("//bob/") && it.creatorRole === "architect" && [0, 5].includes(it.timestamp)
  ],
  [{ createdAfter: 5 }, (it) => it.timestamp === 6],
  [{ createdBefore: 0 }, (it) => it.timestamp === -1],
  [{ text: "red" }, (_, words) => words.includes("red")],
  [{ text: "FOX* the" }, (_, words) => words.includes("the") && words.some((it) => it.startsWith("fox"))],
  [{ text: "überall", agent: "ada" }, (it, words) => it.address.includes("//ada/") && words.includes("überall")],
  [{ text: "!" }, () => false]
]

interface ModelItem {
  readonly item: IndexItem
  readonly text: string | undefined
}

const newestFirst = (a: IndexItem, b: IndexItem): number =>
  b.timestamp === a.timestamp ? (a.address < b.address ? -1 : 1) : b.timestamp - a.timestamp

const modelPut = (model: Map<string, ModelItem>, put: typeof Put.Type): void => {
  const fresh = itemOf(put)
  const held = model.get(fresh.address)
  if (held !== undefined && held.item.author === put.author && held.item.seq > put.seq) return
  const kept = held?.item.cid === fresh.cid ? held.text : undefined
  model.set(fresh.address, { item: fresh, text: put.deleted ? undefined : (put.text ?? kept) })
}

export const contentIndexLaws = <E>(name: string, layerOf: (options: IndexOptions) => Layer.Layer<ContentIndex, E>) => {
  const withIndex = <A, E2>(
    body: (index: ContentIndex["Service"]) => Effect.Effect<A, E2>,
    options: IndexOptions = {}
  ) => Effect.flatMap(ContentIndex, body).pipe(Effect.provide(layerOf(options), { local: true }))
  const named = (items: ReadonlyArray<IndexItem>) => items.map(({ address }) => partsOf(address).task)

  describe(`${name} keeps the laws of ContentIndex`, () => {
    it.effect("gives back what was put, field for field, and nothing for another address", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          const most = Number.MAX_SAFE_INTEGER
          const one = item("one", { timestamp: most, size: most, seq: most, own: true, holders: [], recipients: "r" })
          const two = item("two", { timestamp: -most, contentType: "", encryptedFor: [] })
          yield* index.put(one)
          yield* index.put(two)
          assert.deepStrictEqual(yield* index.find(one.address), one)
          assert.isUndefined(yield* index.find(item("three").address))
          assert.deepStrictEqual(yield* index.search({}, undefined, 10), [one, two])
        })
      )
    )

    it.effect("keeps the newest version of an author, and takes another's at once", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          yield* index.put(item("a", { seq: 5, cid: "five" }))
          yield* index.put(item("a", { seq: 4, cid: "four" }))
          assert.strictEqual((yield* index.find(item("a").address))?.cid, "five")
          yield* index.put(item("a", { seq: 1, cid: "another's", author: "did:key:bob" }))
          assert.strictEqual((yield* index.find(item("a").address))?.cid, "another's")
          assert.deepStrictEqual(yield* index.count, { items: 1, texts: 0 })
        })
      )
    )

    it.effect("leaves what is deleted out of searches, but remembers how far its author was", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          yield* index.put(item("a", { seq: 2, deleted: true }))
          yield* index.put(item("a", { seq: 1 }))
          assert.deepStrictEqual(yield* index.search({}, undefined, 10), [])
          assert.deepStrictEqual(yield* index.count, { items: 0, texts: 0 })
          assert.strictEqual((yield* index.find(item("a").address))?.deleted, true)
        })
      )
    )

    it.effect("forgets the words of a version that another has taken the place of", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          yield* index.put(item("a", { cid: "old" }), "porcupine")
          yield* index.put(item("a", { cid: "old", seq: 2 }))
          assert.strictEqual((yield* index.search({ text: "porcupine" }, undefined, 10)).length, 1)
          yield* index.put(item("a", { cid: "new", seq: 3 }))
          assert.deepStrictEqual(yield* index.search({ text: "porcupine" }, undefined, 10), [])
          assert.deepStrictEqual(yield* index.count, { items: 1, texts: 0 })
        })
      )
    )

    for (const text of [
      '"',
      '" OR *',
      "a OR b",
      "NEAR(a b)",
      "body:a",
      "-a",
      "a^b",
      "(",
      "*",
      "AND",
      "\u0000",
      "'; DROP"
    ]) {
      it.effect(`takes the question ${JSON.stringify(text)} for words and nothing else`, () =>
        withIndex(
          Effect.fnUntraced(function* (index) {
            yield* index.put(item("a"), "apple tart")
            assert.deepStrictEqual(yield* index.search({ text }, undefined, 10), [])
            assert.deepStrictEqual(named(yield* index.search({ text: "apple" }, undefined, 10)), ["a"])
          })
        )
      )
    }

    it.effect("finds words of any script without regard to case, and beginnings where one asks for them", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          yield* index.put(item("a"), "Größe (ΑΒΓ) naïve-Bayes ⑴ हिन्दी ２０２６")
          const finds = (text: string) =>
            Effect.map(index.search({ text }, undefined, 10), (found) => found.length === 1)
          for (const text of [
            "GRÖSSE*",
            "größe",
            "αβγ",
            "bayes NAÏVE",
            "naïve-bayes",
            "1",
            "हिन्दी",
            "2026",
            "gr*",
            "202*"
          ])
            assert.strictEqual(yield* finds(text), text !== "GRÖSSE*", text)
          for (const text of ["gr", "größe fehlt", "*", "26"]) assert.isFalse(yield* finds(text), text)
        })
      )
    )

    it.effect("knows the words of so many items, those learnt last", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          for (const task of ["a", "b", "c", "d"]) yield* index.put(item(task), `word ${task}`)
          assert.deepStrictEqual(named(yield* index.search({ text: "word" }, undefined, 10)), ["b", "c", "d"])
          assert.deepStrictEqual(yield* index.count, { items: 4, texts: 3 })
        }),
        { texts: 3 }
      )
    )

    it.effect("knows words of so many letters, those learnt last, and none of a text that has more", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          for (const task of ["a", "b", "c", "d"]) yield* index.put(item(task), `word ${task}`)
          assert.deepStrictEqual(named(yield* index.search({ text: "word" }, undefined, 10)), ["b", "c", "d"])
          yield* index.put(item("e"), "nine more")
          assert.deepStrictEqual(named(yield* index.search({ text: "word" }, undefined, 10)), ["c", "d"])
          yield* index.put(item("f"), "many words that are far too many for all letters")
          assert.deepStrictEqual(yield* index.count, { items: 6, texts: 3 })
        }),
        { letters: 22 }
      )
    )

    it.effect("lets the oldest leave that are not this node's own where there are too many", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          yield* index.put(item("own", { own: true, timestamp: 1 }))
          for (const [at, task] of ["a", "b", "c"].entries())
            yield* index.put(item(task, { timestamp: 10 + at }), "word")
          assert.deepStrictEqual(named(yield* index.search({}, undefined, 10)), ["c", "b", "own"])
          assert.deepStrictEqual(yield* index.count, { items: 3, texts: 2 })
          for (const task of ["d", "e"]) yield* index.put(item(task, { own: true, timestamp: 2 }))
          assert.deepStrictEqual(named(yield* index.search({}, undefined, 10)), ["d", "e", "own"])
          yield* index.put(item("f", { timestamp: 99 }))
          assert.isUndefined(yield* index.find(item("f").address))
        }),
        { items: 3 }
      )
    )

    it.effect("shows no item twice and misses none while others are written between the pages", () =>
      withIndex(
        Effect.fnUntraced(function* (index) {
          const there = Array.from({ length: 30 }, (_, n) => item(`t${n}`, { timestamp: Math.floor(n / 4) }))
          for (const it of there) yield* index.put(it)
          let n = 0
          const write = Effect.gen(function* () {
            n += 1
            yield* index.put(item(`new${n}`, { timestamp: n % 8 }))
            yield* index.put(item(`a${n}`, { timestamp: 3 }))
          })
          const seen = (yield* pages(index, { agent: "ada" }, 3, write)).map(({ address }) => address)
          assert.strictEqual(new Set(seen).size, seen.length)
          for (const { address } of there) assert.include(seen, address)
        })
      )
    )

    it.effect.prop(
      "agrees with a naive list under any row of puts, in pages of any size",
      [Arbitrary.array(Arbitrary.schema(Put), { maxLength: 24 }), Arbitrary.schema(Schema.Literals([1, 2, 3, 50]))],
      ([puts, size]) =>
        withIndex(
          Effect.fnUntraced(function* (index) {
            const model = new Map<string, ModelItem>()
            for (const put of puts) {
              modelPut(model, put)
              yield* index.put(itemOf(put), put.text)
            }
            const live = [...model.values()].filter((it) => !it.item.deleted)
            for (const [criteria, holds] of QUESTIONS) {
              const wanted = live
                .filter((it) => holds(it.item, it.text?.toLowerCase().split(/[ ;]+/) ?? []))
                .map((it) => it.item)
                .sort(newestFirst)
              assert.deepStrictEqual(yield* pages(index, criteria, size), wanted, JSON.stringify(criteria))
            }
            const stale = live.filter((it) => it.item.own && it.item.creatorRole === "developer")
            const addresses = stale.filter((it) => it.item.recipients !== "r1").map((it) => it.item.address)
            const found = yield* index.stale("developer", "r1", "ucxl://ada/developer/allium/one/x", 3)
            assert.deepStrictEqual(
              found.map(({ address }) => address),
              addresses
                .sort()
                .filter((it) => it > "ucxl://ada/developer/allium/one/x")
                .slice(0, 3)
            )
            const texts = live.filter((it) => it.text !== undefined).length
            assert.deepStrictEqual(yield* index.count, { items: live.length, texts })
          })
        ),
      { arbitrary: { runs: 25 } }
    )

    it.effect.prop(
      "shows what was there exactly once, whatever others write between two pages",
      [
        Arbitrary.array(Arbitrary.schema(Put), { maxLength: 8 }),
        Arbitrary.array(Arbitrary.schema(Schema.Literals([-1, 0, 5, 6])), { maxLength: 8 })
      ],
      ([puts, times]) =>
        withIndex(
          Effect.fnUntraced(function* (index) {
            for (const put of puts) yield* index.put(itemOf({ ...put, deleted: false }))
            const there = (yield* index.search({}, undefined, 100)).map(({ address }) => address)
            const waiting = [...times]
            const write = Effect.suspend(() => {
              const timestamp = waiting.pop()
              return timestamp === undefined ? Effect.void : index.put(item(`n${waiting.length}`, { timestamp }))
            })
            const seen = (yield* pages(index, {}, 2, write)).map(({ address }) => address)
            assert.strictEqual(new Set(seen).size, seen.length)
            assert.deepStrictEqual(
              seen.filter((address) => there.includes(address)),
              there
            )
          })
        ),
      { arbitrary: { runs: 20 } }
    )
  })
}
