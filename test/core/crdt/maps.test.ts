import { assert, describe, it } from "@effect/vitest"
import { Document } from "#core/crdt/Document"
import type { SharedMap } from "#core/crdt/SharedMap"
import { SharedText } from "#core/crdt/SharedText"
import { authorOf, deliver } from "./histories.ts"

const two = () => [new Document(authorOf(0)), new Document(authorOf(1))] as const

/** Each does his part without knowing of the other's; then both know both. */
const apart = (docs: readonly [Document, Document], mine: (doc: Document) => void, others: (doc: Document) => void) => {
  const batches = [docs[0].transact(() => mine(docs[0])), docs[1].transact(() => others(docs[1]))].flat()
  for (const doc of docs) deliver(doc, batches)
  assert.deepStrictEqual(docs[0].toJSON(), docs[1].toJSON())
  assert.deepStrictEqual(docs[0].snapshot(), docs[1].snapshot())
  return docs[0]
}

describe("a map", () => {
  it("keeps what was set while another deleted it", () => {
    const docs = two()
    apart(
      docs,
      (doc) => doc.map("m").set("k", 1),
      () => {}
    )
    apart(
      docs,
      (doc) => doc.map("m").delete("k"),
      (doc) => doc.map("m").set("k", 2)
    )
    assert.strictEqual(docs[0].map("m").get("k"), 2)
    apart(
      docs,
      (doc) => doc.map("m").delete("k"),
      (doc) => doc.map("m").delete("k")
    )
    assert.deepStrictEqual([docs[0].map("m").keys(), docs[1].map("m").size], [[], 0])
  })

  it("shows the value of the larger lamport, then of the larger key", () => {
    const docs = two()
    const doc = apart(
      docs,
      (it) => it.map("m").set("k", "of the smaller key"),
      (it) => it.map("m").set("k", "of the larger key")
    )
    assert.strictEqual(doc.map("m").get("k"), "of the larger key")
    const late = new Document(authorOf(2))
    const [ahead] = late.transact(() => late.map("m").set("k", "alone"))
    deliver(doc, [{ ...ahead!, lamport: 9 }])
    assert.strictEqual(doc.map("m").get("k"), "alone")
  })

  it("lets a write replace all that its writer has seen", () => {
    const docs = two()
    apart(
      docs,
      (it) => it.map("m").set("k", 1),
      (it) => it.map("m").set("k", 2)
    )
    apart(
      docs,
      (it) => it.map("m").set("k", 3),
      () => {}
    )
    apart(
      docs,
      (it) => it.map("m").delete("k"),
      () => {}
    )
    assert.isFalse(docs[1].map("m").has("k"))
  })

  it("holds maps, lists, texts and registers in each other, and edits in one that goes are gone with it", () => {
    const docs = two()
    apart(
      docs,
      (doc) => {
        doc.map("m").set("todo", { items: [{ title: "write", done: false }], tags: [] })
        doc.map("m").setText("note").insert(0, "hello")
        doc.map("m").setRegister("state").set("open")
      },
      () => {}
    )
    const inner = (doc: Document) => doc.map("m").get("todo") as SharedMap
    apart(
      docs,
      (doc) => (doc.map("m").get("note") as SharedText).insert(5, " world"),
      (doc) => inner(doc).set("tags", ["a", "b"])
    )
    assert.deepStrictEqual(docs[0].toJSON()["maps"], {
      m: {
        note: "hello world",
        state: "open",
        todo: { items: [{ done: false, title: "write" }], tags: ["a", "b"] }
      }
    })
    assert.instanceOf(docs[0].map("m").get("note"), SharedText)
    const gone = inner(docs[1])
    apart(
      docs,
      (doc) => doc.map("m").delete("todo"),
      (doc) => inner(doc).set("late", true)
    )
    gone.set("later", 1)
    assert.deepStrictEqual([gone.toJSON(), docs[0].map("m").keys()], [{}, ["note", "state"]])
    assert.throws(() => gone.setMap("x"))
  })

  it("takes values of every kind, and refuses those that no batch holds", () => {
    const doc = new Document(authorOf(0))
    const map = doc.map("m")
    const values = [null, true, false, 0, -1, 2 ** 40, 2 ** 53, 0.1, Number.NaN, -0, "text", Uint8Array.of(1, 2)]
    values.forEach((value, at) => {
      map.set(`${at}`, value)
    })
    const reader = new Document(authorOf(1))
    const other = new Document(authorOf(2))
    const [batch] = other.transact(() => {
      values.forEach((value, at) => {
        other.map("m").set(`${at}`, value)
      })
    })
    deliver(reader, [batch!])
    for (const it of [map, reader.map("m")]) {
      values.forEach((value, at) => {
        assert.deepStrictEqual(it.get(`${at}`), value)
      })
    }
    assert.throws(() => map.set("k", "x".repeat(60_000)), RangeError)
    assert.throws(() => map.set("k".repeat(2_000), 1), RangeError)
    assert.throws(() => map.set("\ud800", 1), RangeError)
    assert.isFalse(map.has("k"))
  })

  it("goes on after a transaction that threw, with what was done until then", () => {
    const doc = new Document(authorOf(0))
    const heard: Array<number> = []
    doc.onBatch(({ seq }) => heard.push(seq))
    assert.throws(() =>
      doc.transact(() => {
        doc.map("m").set("a", 1)
        throw new Error("on the way")
      })
    )
    doc.map("m").set("b", 2)
    assert.deepStrictEqual(
      [heard, doc.map("m").keys()],
      [
        [1, 2],
        ["a", "b"]
      ]
    )
  })
})

describe("a list", () => {
  it("keeps both of what two insert at one place, each in a row", () => {
    const docs = two()
    const doc = apart(
      docs,
      (it) => it.list("l").push(1, 2, 3),
      (it) => it.list("l").push(4, 5, 6)
    )
    const values = doc.list("l").toJSON()
    assert.deepStrictEqual(values, [1, 2, 3, 4, 5, 6])
    apart(
      docs,
      (it) => it.list("l").delete(1, 3),
      (it) => it.list("l").insert(3, "between")
    )
    assert.deepStrictEqual(doc.list("l").toJSON(), [1, "between", 5, 6])
    assert.deepStrictEqual(
      [doc.list("l").get(1), doc.list("l").get(9), doc.list("l").get(-1)],
      ["between", undefined, undefined]
    )
    assert.throws(() => doc.list("l").delete(3, 2), RangeError)
  })

  it("comes in several batches where it is larger than a record", () => {
    const doc = new Document(authorOf(0))
    const values = Array.from({ length: 40_000 }, (_, at) => at)
    const batches = doc.transact(() => doc.list("l").push(...values))
    assert.isAbove(batches.length, 1)
    const reader = new Document(authorOf(1))
    deliver(reader, batches.toReversed())
    assert.deepStrictEqual(reader.list("l").toJSON(), values)
  })
})
