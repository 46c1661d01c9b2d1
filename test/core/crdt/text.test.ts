import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { Document } from "#core/crdt/Document"
import type { Observed } from "#core/crdt/Observers"
import { equalBytes } from "#schemas/bytes/bytes"
import { BATCH_LIMIT, type OpBatchFields } from "#schemas/crdt/OpBatch"
import { authorOf, chance, deliver, shuffled } from "./histories.ts"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const PIECES = ["a", "bc", "👍", "é👍👍x", "defghi", "\ud83d", "\udc4d", "\ufeff", ""]
const Edit = Schema.Struct({ remove: Schema.Boolean, at: below(60), count: below(9), piece: below(PIECES.length) })
const Edits = Arbitrary.array(Arbitrary.schema(Edit), { minLength: 10, maxLength: 80 })

const isInside = (text: string, at: number) => at > 0 && at < text.length && text.codePointAt(at - 1)! > 0xffff

/** What a string becomes by one edit, with positions inside of a pair moved as documents say. */
const edited = (text: string, { at, count, piece, remove }: typeof Edit.Type): string => {
  const start = Math.min(at, text.length)
  const from = isInside(text, start) ? start - 1 : start
  if (!remove) return text.slice(0, from) + PIECES[piece]!.toWellFormed() + text.slice(from)
  const end = Math.min(start + count, text.length)
  if (end === start) return text
  return text.slice(0, from) + text.slice(isInside(text, end) ? end + 1 : end)
}

const carryOut = (doc: Document, { at, count, piece, remove }: typeof Edit.Type): void => {
  const text = doc.text("t")
  const start = Math.min(at, text.length)
  if (remove) text.delete(start, Math.min(count, text.length - start))
  else text.insert(start, PIECES[piece]!)
}

/** Documents that start with the same text. */
const forks = (count: number, base: string) => {
  const first = new Document(authorOf(count))
  const batches = first.transact(() => first.text("t").insert(0, base))
  return Array.from({ length: count }, (_, replica) => {
    const doc = new Document(authorOf(replica))
    deliver(doc, batches)
    return doc
  })
}

/** Each edits by itself, then all hear of everything; answers the text they agree on. */
const merged = (docs: ReadonlyArray<Document>, edits: ReadonlyArray<(doc: Document) => void>): string => {
  const batches: Array<OpBatchFields> = []
  docs.forEach((doc, at) => {
    const stop = doc.onBatch((batch) => batches.push(batch))
    edits[at]!(doc)
    stop()
  })
  for (const doc of docs) deliver(doc, batches)
  const texts = new Set(docs.map((doc) => doc.text("t").toString()))
  assert.strictEqual(texts.size, 1)
  return [...texts][0]!
}

/** One transaction a letter, as it is typed. */
const type = (word: string, at: number, isBackwards: boolean) => (doc: Document) => {
  const letters = isBackwards ? [...word].reverse() : [...word]
  for (const [index, letter] of letters.entries()) doc.text("t").insert(isBackwards ? at : at + index, letter)
}

describe("text", () => {
  it.prop("is what a string would be, edit by edit, here, elsewhere and after loading", [Edits], ([edits]) => {
    const doc = new Document(authorOf(0))
    const reader = new Document(authorOf(1))
    doc.onBatch((batch) => Result.getOrThrow(reader.apply(batch)))
    let model = ""
    for (const edit of edits) {
      carryOut(doc, edit)
      model = edited(model, edit)
      assert.strictEqual(doc.text("t").toString(), model)
      assert.strictEqual(reader.text("t").toString(), model)
    }
    const loaded = Result.getOrThrow(Document.load(doc.snapshot(), authorOf(2))).text("t")
    assert.strictEqual(loaded.toString(), model)
    assert.strictEqual(loaded.length, model.length)
    for (let at = 0; at <= model.length; at++) assert.strictEqual(loaded.slice(at), sliced(model, at))
  })

  for (const [name, backwards] of [
    ["forwards", [false, false, false]],
    ["backwards", [true, true, true]],
    ["each in his way", [false, true, false]]
  ] as const) {
    it(`keeps words whole that three type at one place, ${name}`, () => {
      for (const [base, at] of [
        ["", 0],
        ["()", 1],
        ["ab", 2],
        ["ab", 0]
      ] as const) {
        const words = ["one", "twotwo", "three"]
        const text = merged(
          forks(3, base),
          words.map((word, replica) => type(word, at, backwards[replica]!))
        )
        for (const word of words) assert.include(text, word)
        assert.strictEqual(text.length, base.length + words.join("").length)
      }
    })
  }

  it("keeps a word whole whose writer corrects himself, and one that goes on in another's word", () => {
    const correct = (doc: Document) => {
      type("wrod", 1, false)(doc)
      doc.text("t").delete(3, 2)
      type("rd", 3, false)(doc)
      doc.text("t").delete(2, 1)
      type("o", 2, false)(doc)
    }
    assert.include(merged(forks(2, "()"), [correct, type("other", 1, false)]), "word")
    const docs = forks(2, "()")
    merged(docs, [type("ab", 1, false), () => {}])
    assert.match(merged(docs, [type("XX", 2, false), type("yy", 2, true)]), /^\(a(XXyy|yyXX)b\)$/)
  })

  it("finds the place beside a long text that was written backwards", () => {
    const [one, two] = [new Document(authorOf(1)), new Document(authorOf(0))]
    const backwards = Array.from({ length: 10_000 }, (_, at) => one.transact(() => one.list("l").insert(0, at))).flat()
    const forwards = two.transact(() => two.list("l").push("x", "y"))
    deliver(one, forwards)
    deliver(two, backwards)
    const last = new Document(authorOf(2))
    const late = last.transact(() => last.list("l").push("z"))
    for (const doc of [one, two]) deliver(doc, late)
    for (const doc of [one, two]) {
      assert.strictEqual(doc.list("l").length, 10_003)
      assert.isTrue(equalBytes(doc.snapshot(), one.snapshot()))
    }
  })

  it("moves what would part a surrogate pair to the pair's edge", () => {
    const [doc] = forks(1, "a👍b")
    const text = doc!.text("t")
    text.insert(2, "x")
    assert.strictEqual(`${text}`, "ax👍b")
    text.delete(3, 1)
    assert.strictEqual(`${text}`, "axb")
    text.insert(1, "\ud83d")
    assert.strictEqual(`${text}`, "a\ufffdxb")
  })

  it("refuses positions that are not there, and does nothing", () => {
    const [doc] = forks(1, "abc")
    const text = doc!.text("t")
    for (const [at, count] of [
      [-1, 0],
      [4, 0],
      [0, 4],
      [0.5, 1],
      [1, -1]
    ] as const) {
      assert.throws(() => text.delete(at, count), RangeError)
      if (count === 0) assert.throws(() => text.insert(at, "x"), RangeError)
    }
    assert.strictEqual(`${text}`, "abc")
  })

  it("comes in several batches where it is larger than a record", () => {
    const doc = new Document(authorOf(0))
    const pasted = "wörter und 👍 ".repeat(20_000)
    const batches = doc.transact(() => doc.text("t").insert(0, pasted))
    assert.isAbove(batches.length, 4)
    for (const { operations } of batches) assert.isAtMost(operations.length, BATCH_LIMIT)
    const reader = new Document(authorOf(1))
    deliver(reader, shuffled(batches, chance(1)))
    assert.strictEqual(reader.text("t").toString(), pasted)
    assert.isBelow(
      batches.reduce((sum, { operations }) => sum + operations.length, 0),
      1.01 * Buffer.byteLength(pasted)
    )
  })

  it("takes two bytes for a letter typed and one for a letter taken back", () => {
    const doc = new Document(authorOf(0))
    const text = doc.text("t")
    text.insert(0, "the")
    const [typed] = doc.transact(() => text.insert(3, "x"))
    doc.transact(() => text.delete(3, 1))
    const [again] = doc.transact(() => text.delete(2, 1))
    const [behind] = doc.transact(() => text.insert(2, "y"))
    assert.deepStrictEqual(
      [typed, again, behind].map((batch) => batch?.operations.length),
      [2, 1, 2]
    )
  })
})

describe("observers", () => {
  it.prop("can follow the text by what they are told", [Edits, below(1e6)], ([edits, seed]) => {
    const random = chance(seed)
    const docs = forks(2, "begin")
    const follow = docs.map((doc) => {
      const mine = { text: doc.text("t").toString(), local: 0 }
      doc.text("t").observe(({ changes, isLocal }: Observed<{ at: number; removed: number; inserted: string }>) => {
        if (isLocal) mine.local++
        for (const { at, removed, inserted } of changes) {
          mine.text = mine.text.slice(0, at) + inserted + mine.text.slice(at + removed)
        }
      })
      return mine
    })
    let waiting: Array<OpBatchFields> = []
    let changes = 0
    for (const edit of edits) {
      const batches = docs[0]!.transact(() => carryOut(docs[0]!, edit))
      // To insert or to remove nothing is no change.
      if (batches.length > 0) changes++
      waiting.push(...batches)
      carryOut(docs[1]!, { ...edit, at: random(30) })
      if (random(3) === 0) {
        deliver(docs[1]!, waiting)
        waiting = []
      }
      docs.forEach((doc, at) => {
        assert.strictEqual(follow[at]!.text, doc.text("t").toString())
      })
    }
    assert.strictEqual(follow[0]!.local, changes)
  })

  it("may edit and apply at once, as may those who hear of batches", () => {
    const [doc, other] = forks(2, "") as [Document, Document]
    const heard: Array<number> = []
    doc.onBatch((batch) => {
      heard.push(batch.seq)
      other.apply(batch)
      if (heard.length < 4) doc.text("t").insert(0, "b")
    })
    other.onBatch((batch) => doc.apply(batch))
    other.text("t").observe(({ isLocal }) => {
      if (!isLocal && other.text("t").length < 8) other.text("t").insert(0, "o")
    })
    doc.transact(() => doc.text("t").insert(0, "first"))
    assert.deepStrictEqual(heard, [1, 2, 3, 4])
    assert.strictEqual(`${doc.text("t")}`, `${other.text("t")}`)
    assert.isTrue(equalBytes(doc.snapshot(), other.snapshot()))
  })

  it("hear of keys and of lists, and nothing after they stopped", () => {
    const doc = new Document(authorOf(0))
    const heard: Array<unknown> = []
    const stop = [
      doc.map("m").observe(({ changes }) => heard.push(...changes)),
      doc.list("l").observe(({ changes }) => heard.push(...changes)),
      doc.register("r").observe(({ changes }) => heard.push(...changes))
    ]
    doc.map("m").set("k", 1)
    doc.transact(() => {
      doc.list("l").push(1, 2, 3)
      doc.list("l").delete(1)
      doc.map("m").delete("k")
    })
    doc.register("r").set("now")
    for (const one of stop) one()
    doc.map("m").set("k", 2)
    assert.deepStrictEqual(heard, [
      { key: "k", before: undefined, after: 1 },
      { at: 0, removed: 0, inserted: [1, 2, 3] },
      { at: 1, removed: 1, inserted: [] },
      { key: "k", before: 1, after: undefined },
      { key: "", before: undefined, after: "now" }
    ])
  })
})

describe("an anchor", () => {
  it.prop("stays with its character, whoever edits around it", [Edits, below(1e6)], ([edits, seed]) => {
    const random = chance(seed)
    const [doc, other] = forks(2, "0123456789") as [Document, Document]
    const text = doc.text("t")
    const anchors = [..."0123456789"].map((_, at) => [text.anchor(at + 1), text.anchor(at, "behind")] as const)
    const half = (it: Document) => {
      for (const edit of edits) if (random(2) === 0) carryOut(it, { ...edit, piece: edit.piece % 5 })
    }
    const both = merged([doc, other], [half, half])
    for (const [digit, [before, behind]] of anchors.entries()) {
      const at = both.indexOf(`${digit}`)
      if (at >= 0) assert.deepStrictEqual([text.position(before), text.position(behind)], [at + 1, at])
      else assert.strictEqual(text.position(before), text.position(behind))
    }
    assert.strictEqual(text.position(text.anchor(0)), 0)
    assert.strictEqual(text.position(text.anchor(text.length, "behind")), text.length)
    assert.isUndefined(text.position({ author: authorOf(9), counter: 0, stays: "before" }))
  })
})

/** From a position on; half a pair is no character of its own to whoever decodes. */
function sliced(text: string, at: number): string {
  return text.slice(at).toWellFormed()
}
