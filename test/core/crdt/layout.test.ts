/** The bytes as docs/crdt.md gives them: a change here is a change of what others can read. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import { hexOf } from "#schemas/bytes/bytes"
import { OpReader } from "#schemas/crdt/Operation"
import type { PublicKey } from "#schemas/identity/PublicKey"

const key = (byte: number) => new Uint8Array(32).fill(byte) as PublicKey
const [ONES, TWOS] = ["11".repeat(32), "22".repeat(32)]

const made = () => {
  const one = new Document(key(0x11))
  const two = new Document(key(0x22))
  const [first] = one.transact(() => {
    one.text("t").insert(0, "héy👍")
    one.map("m").set("k", -3)
    one.list("l").push(true, [0.5])
  })
  two.apply(first!)
  const [second] = two.transact(() => {
    two.text("t").insert(1, "x")
    two.text("t").delete(2, 1)
    two.text("t").delete(2, 1)
    two.map("m").set("k", null)
    two.map("m").delete("k")
  })
  one.apply(second!)
  return { first: first!, second: second!, one, two }
}

describe("the layout of", () => {
  it("operations", () => {
    const { first, second } = made()
    assert.strictEqual(
      hexOf(first.operations),
      [
        "00 00020174 00 08 68c3a979f09f918d", // write in a new root, text "t", at its start: 8 bytes
        "03 0000016d 016b 0305", // set in a new root, map "m": key "k", int −3
        "01 0001016c 00 02 02 08", // put in a new root, list "l", at its start: two values, true and a list
        "41 01 02 00 04 3fe0000000000000" // put one value in the container of the id before the next, at its start: 0.5
      ]
        .join("")
        .replaceAll(" ", "")
    )
    assert.strictEqual(
      hexOf(second.operations),
      [
        `60 00020174 01${ONES}01 78`, // write one letter before id 1 of an author named here first
        "4a 03 01", // remove one element of the same container: id 1 of the author named first
        "6a", // and the one behind it
        "13 0000016d 016b 03 04 00", // set "k" to null, instead of id 4 of the author named first
        "1c 016b 02" // unset it: the id before the next
      ]
        .join("")
        .replaceAll(" ", "")
    )
  })

  it("a snapshot", () => {
    const { one, two } = made()
    const expected = [
      `02 02 02 ${ONES} 01 01 08 ${TWOS} 01 02 02`, // version, lamport; two authors: key, seq, lamport, next counter
      "03 00016d 01016c 020174", // three roots
      "01 00 06 02 02", // one inner container: id 6 of author 0, a list, at depth 2
      "01 03020001 04 000000", // named by author 0: nobody, three roots, last the inner list; removed nothing
      "0200 020200 01 010201", // by author 1: author 0, two roots, last the map; removed id 2 of author 0
      "00", // the map: no keys
      "01 08 00 0a 01 02 08", // the list: one span of two elements by author 0, from id 5, where expected; true and a list
      "04 04040906", // the text: four spans, of 1, 1, 2 removed and 1 wide element
      "00 02 0102", // by author 0, 1, 0 and 0
      "00000000", // each goes on counting where its author's span before ends
      "04", // four where they are expected: at the start, before the next span, and twice going on
      "06 6878f09f918d", // what is visible
      "01 04 00 0e 01 04 3fe0000000000000" // the inner list: one element, id 7, 0.5
    ]
      .join("")
      .replaceAll(" ", "")
    assert.strictEqual(hexOf(one.snapshot()), expected)
    assert.strictEqual(hexOf(two.snapshot()), expected)
  })

  it("a snapshot of keys that two have set at once, in texts that begin alike", () => {
    const docs = [0x11, 0x22].map((byte) => new Document(key(byte)))
    const batches = docs.map((doc, at) =>
      doc.transact(() => {
        doc.map("m").set("ka", `a${at}-x`)
        doc.map("m").set("kb👍", `a${at}-y`)
        doc.map("m").set("kb👎", at)
      })
    )
    docs[0]!.apply(batches[1]![0]!)
    docs[1]!.apply(batches[0]![0]!)
    const expected = [
      `02 01 02 ${ONES} 01 01 03 ${TWOS} 01 01 03`, // version, lamport; two authors: key, seq, lamport, next counter
      "01 00016d 00", // one root, no inner container
      "01 01 00 01 000000 00", // named by author 0: nobody, one root, that last, removed nothing; author 1 likewise
      "03", // keys
      "00 026b61 02", // "ka": two entries
      "9c01 02 61302d78", // code 19: text of 4 bytes; author and counter as expected, lead 1 more than none
      "9801 61312d78", // the next author's, all else as before
      "01 0562f09f918d 02", // "kb👍" shares a unit with the key before
      "76 02 01 03 79", // code 14: text of a byte behind 3 shared ones; the counter is one more, the lead one less
      "70 03 79",
      "02 04f09f918e 02", // "kb👎" shares no half of a pair
      "1e 02 01 00", // code 3: int 0
      "18 02"
    ]
      .join("")
      .replaceAll(" ", "")
    for (const doc of docs) assert.strictEqual(hexOf(doc.snapshot()), expected)
    const loaded = Result.getOrThrow(Document.load(docs[0]!.snapshot(), key(0x33)))
    assert.deepStrictEqual(loaded.toJSON(), docs[0]!.toJSON())
  })

  it("a snapshot of places that order and ids do not tell", () => {
    const one = new Document(key(0x11))
    const two = new Document(key(0x22))
    const all = [one.transact(() => one.text("t").insert(0, "ab"))]
    two.apply(all[0]![0]!)
    all.push(two.transact(() => two.text("t").insert(1, "x")))
    one.apply(all[1]![0]!)
    all.push(one.transact(() => one.text("t").insert(2, "y")))
    two.apply(all[2]![0]!)
    const text = [
      "04 04040404", // four spans of one element
      "00 02 0102", // by author 0, 1, 0 and 0
      "00 00 02 03", // counters 0; 0; one more than expected, 2; two less, 1
      "03 07 00", // three are where they are expected; right child of the third before; and no more
      "04 61787962"
    ]
    const expected = text.join("").replaceAll(" ", "")
    for (const doc of [one, two]) assert.strictEqual(hexOf(doc.snapshot()).slice(-expected.length), expected)
    assert.deepStrictEqual(Result.getOrThrow(Document.load(one.snapshot(), key(0x33))).snapshot(), two.snapshot())
  })

  it("everything again, from the bytes", () => {
    const { one } = made()
    const loaded = Result.getOrThrow(Document.load(one.snapshot(), key(0x33)))
    assert.deepStrictEqual(loaded.toJSON(), {
      maps: { m: {} },
      lists: { l: [true, [0.5]] },
      texts: { t: "hx👍" },
      registers: {}
    })
    const op = new OpReader()
    op.in.reset(Uint8Array.of(0x60))
    assert.isFalse(op.next())
    assert.strictEqual(op.in.refusal, "cut short")
  })
})
